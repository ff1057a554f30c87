"""What the provisioner must not forget, in a database: its servers' records, what boots taught it, and who may write.

`lease` says which process may write, `store` is what that process writes and reads, `reader` is for everybody else. The
tables may be in the same database as those of other parts of the service.
"""
