"""Users' grants: refresh tokens that people lent to the service, kept encrypted, and the access tokens that come of them.

The door is `identity.grants.access.Grants`. What is refused is a `GrantError`; where the database is away, or has other
tables, it is a `database.errors.DatabaseError`. No token, key or client secret stands in the text of either, or in a log.

A refresh token may be good for one use only, and a second use may end the grant (RFC 9700, section 4.14): that it is
shown once, and that its successor is stored before anything else happens, is what most of the code here is about.
"""
