"""Which kinds of caller a request admits: a user, a running job, or either. The one door for the REST API."""

from identity.caller import Caller, Kind
from identity.claims import bearer_token, read_unverified
from identity.errors import Misconfigured, NotAuthenticated, Reason
from identity.job_tokens import JobTokens
from identity.tokens import Authenticator

_USERS: tuple[Kind, ...] = ("user",)
_INSTEAD = {
    "user": "This is a user's token: this request takes the token of a running job.",
    "job": "This is the token of a running job: this request takes a user's access token.",
}


class Gate:
    """Tells the two kinds of token apart by the issuer they name; each is verified by its own rules alone.

    Misconfigured where a user's issuer has the name that stands in job tokens.
    """

    def __init__(self, authenticator: Authenticator, job_tokens: JobTokens) -> None:
        if job_tokens.issuer in authenticator.issuers:
            raise Misconfigured("issuers.issuer", f"{job_tokens.issuer} is the name in job tokens, take another")
        self._authenticator = authenticator
        self._job_tokens = job_tokens

    def caller(self, authorization: str | None, accept: tuple[Kind, ...] = _USERS) -> Caller:
        """Who sent a request with this `Authorization` header, of one of the kinds in `accept`.

        NotAuthenticated, NotEntitled and IssuerUnreachable as `Authenticator.authenticate` has them; a good
        token of another kind is NotAuthenticated too.
        """
        token = bearer_token(authorization)
        recalled = self._authenticator.recall(token) if "user" in accept else None
        if recalled is not None:
            return recalled
        # The name decides whose rules apply, not whether they hold.
        named = read_unverified(token).issuer
        kind: Kind = "job" if named == self._job_tokens.issuer else "user"
        if kind not in accept:
            raise NotAuthenticated(Reason.KIND, _INSTEAD[kind])
        return self._job_tokens.verify(token) if kind == "job" else self._authenticator.verify(token)
