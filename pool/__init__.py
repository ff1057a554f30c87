"""HTCondor as seen from Python: sessions, submission, queries, the attributes we add, and what a job's ad says of its state.

Nothing else in PROMINENCE imports htcondor2 or classad2.
"""
