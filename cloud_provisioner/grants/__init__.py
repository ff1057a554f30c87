"""Users' grants as the provisioner uses them: credentials for drivers, who lends, and what is left when a grant ends.

What a grant is, and how it is kept, is `identity.grants`.
"""
