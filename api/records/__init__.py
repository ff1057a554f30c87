"""What the service remembers beside the queue: finished jobs, key-value pairs, series, commands that were run in jobs.

It is a database, SQLite or PostgreSQL. It may be lost without losing an active job, and it may be away for a while: then every
call raises DatabaseUnavailable, and succeeds again by itself when the database is back. Nothing is said to be stored before it
is committed.
"""
