"""Object storage: what people upload for their jobs, and what jobs leave behind.

`service` has the rules (whose name is whose, how much may be stored), `store` the one interface behind which a folder
(`local`) or an S3 service (`s3`) keeps the objects. Bytes never pass through the rules: callers get links, good for a time,
that bind everything they allow.
"""
