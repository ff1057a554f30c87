"""Why there is no access token for a user: the user's matter, the administrator's, or nobody's but the moment's."""

from __future__ import annotations

from identity.errors import IdentityError

_PUT = "store a new refresh token with `prominence-admin grants put`"
"""What an admin does: users have no way to it of their own."""


class GrantError(IdentityError):
    """Base of what `identity.grants` refuses. `message` is a sentence for whoever can mend it."""


class GrantMissing(GrantError):
    """The user with this HTCondor Owner has lent the service nothing."""

    def __init__(self, owner: str) -> None:
        super().__init__(f"There is no grant of {owner}: {_PUT}.")
        self.owner = owner


class GrantRefused(GrantError):
    """The identity provider no longer honours the grant, since the time `when` (epoch seconds), for the reason in `why`."""

    def __init__(self, owner: str, when: float, why: str) -> None:
        super().__init__(f"The grant of {owner} is no longer honoured ({why}): {_PUT}.")
        self.owner = owner
        self.when = when
        self.why = why


class GrantUnreadable(GrantError):
    """What is stored of a grant cannot be decrypted: the key it was encrypted with is not in the key file."""

    def __init__(self, owner: str) -> None:
        super().__init__(
            f"The grant of {owner} cannot be decrypted: put the missing key back into the key file, or {_PUT}."
        )
        self.owner = owner


class GrantUnavailable(GrantError):
    """There is no access token now, for the reason in `why`; the grant may well be good, so try again shortly."""

    def __init__(self, owner: str, why: str) -> None:
        super().__init__(f"There is no access token for {owner} at the moment ({why}): try again shortly.")
        self.owner = owner
        self.why = why


class ClientRefused(GrantError):
    """The identity provider `issuer` refuses the service itself, with the code `why` (RFC 6749, section 5.2)."""

    def __init__(self, issuer: str, why: str) -> None:
        super().__init__(
            f"The identity provider {issuer} refuses this service ({why}): correct client_id and client_secret of that "
            "issuer in the section of the grants, or what is registered there."
        )
        self.issuer = issuer
        self.why = why


class IssuerNotServed(GrantError):
    """No client is configured for `issuer`, so that no grant of its users can be used."""

    def __init__(self, issuer: str) -> None:
        super().__init__(f"There is no client for the identity provider {issuer}: name it among the issuers of grants.")
        self.issuer = issuer


class NotAGrant(GrantError):
    """What was given to be stored cannot be a refresh token, or names nobody, for the reason in `why`."""

    def __init__(self, why: str) -> None:
        super().__init__(f"This cannot be stored as a grant: {why}.")
        self.why = why
