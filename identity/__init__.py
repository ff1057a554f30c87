"""Who a caller is: OIDC access tokens, entitlements and the groups they give, and the tokens of running jobs.

The doors are `identity.gate` (a request's header -> a `Caller`), `identity.tokens` (users),
`identity.job_tokens` (running jobs) and `identity.embedded` (the token issuer of a one-machine start).
Everything refused is an `identity.errors.IdentityError`; no token, secret or private key ever stands in its
text.
"""
