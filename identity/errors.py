"""Why a caller was refused: one base exception, and children with typed fields.

The text of each is a sentence for the person who will read it. It never contains a token, a part of one, a
secret or anything else that the caller chose, so it may be answered, logged and counted as it is.
"""

from collections.abc import Sequence
from enum import StrEnum


class Reason(StrEnum):
    """Why a token was not believed; the value is the code for programs and metrics."""

    MISSING = "token_missing"
    MALFORMED = "token_malformed"
    ALGORITHM = "token_algorithm"
    ISSUER = "token_issuer"
    AUDIENCE = "token_audience"
    SIGNATURE = "token_signature"
    EXPIRED = "token_expired"
    NOT_YET_VALID = "token_not_yet_valid"
    CLAIMS = "token_claims"
    KIND = "token_kind"
    WITHDRAWN = "token_withdrawn"


_SENTENCES = {
    Reason.MISSING: "Send an access token in the header 'Authorization: Bearer <token>'.",
    Reason.MALFORMED: "This is not a JSON Web Token: send the whole access token, unchanged, after 'Bearer'.",
    Reason.ALGORITHM: "This token's signing algorithm is not accepted here: get a new access token.",
    Reason.ISSUER: "This token's issuer is not trusted here: get a token from the right provider.",
    Reason.AUDIENCE: "This token was issued for another service: ask for one with this service's audience.",
    Reason.SIGNATURE: "The signature of this token does not hold: get a new access token.",
    Reason.EXPIRED: "This token has expired: get a new access token.",
    Reason.NOT_YET_VALID: "This token is not valid yet: check the clocks, or get a new access token.",
    Reason.CLAIMS: "This token lacks what identifies its holder: get a new access token from the provider.",
    Reason.WITHDRAWN: "The provider of this token no longer honours it: get a new access token.",
    Reason.KIND: "This kind of token is not accepted for this request.",
}


class IdentityError(Exception):
    """Base of everything this package refuses. `message` is a sentence for the reader."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotAuthenticated(IdentityError):
    """No token, or one that cannot be believed.

    `reason` is the code; `detail`, where given, replaces its sentence.
    """

    def __init__(self, reason: Reason, detail: str | None = None) -> None:
        super().__init__(_SENTENCES[reason] if detail is None else detail)
        self.reason = reason


class NotEntitled(IdentityError):
    """A genuine token of somebody who is in none of the served virtual organisations (`vos`, by name)."""

    def __init__(self, vos: Sequence[str]) -> None:
        served = ", ".join(vos)
        super().__init__(
            f"You are in none of the virtual organisations served here ({served}): "
            "join one, then get a new access token."
        )
        self.vos = tuple(vos)


class IssuerUnreachable(IdentityError):
    """The keys of `issuer` cannot be had now, for the reason in `why`; the token may well be good."""

    def __init__(self, issuer: str, why: str) -> None:
        super().__init__(f"The keys of the token issuer {issuer} cannot be read now ({why}): try again shortly.")
        self.issuer = issuer
        self.why = why


class FetchFailed(IdentityError):
    """A document could not be had over HTTP; `message` says why in a few words, `status` is the answer's where there was one.

    `sent`: whether the request may have arrived. It stays within this package, which makes it the `why` of an
    `IssuerUnreachable` or of a `GrantUnavailable`.
    """

    def __init__(self, message: str, status: int | None = None, sent: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.sent = sent


class Misconfigured(IdentityError):
    """A setting of this package, or a file that it names, cannot be used; for the service's administrator."""

    def __init__(self, setting: str, why: str) -> None:
        super().__init__(f"{setting}: {why}.")
        self.setting = setting
        self.why = why
