"""The executor: what runs beside a job on a worker, from its inputs to its report.

Standard library alone, Python 3.9 and later. ``worker.build`` packs it into one executable file, which HTCondor
ships as the job's executable and starts, as the slot's unprivileged user, in the job's scratch directory.
"""
