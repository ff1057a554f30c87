"""Sites: the clouds that site admins describe, one in a file, in a folder such as `sites.d/`.

`watch.Sites` keeps a folder's sites up to date, `loading.load` reads files once; both give `base.Site` models and
`problem.Problem` sentences. docs/sites.md is the format for those who write it.
"""
