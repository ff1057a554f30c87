"""Users' access tokens: from an `Authorization` header to a `Caller`.

The order matters. Size and form first, then the named issuer among the trusted ones and the algorithm among
that issuer's, and only then its keys are looked at: what nobody vouches for costs no fetch. No claim but the
issuer's name is used before the signature holds.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from identity.caller import Caller
from identity.claims import (
    Claims,
    Unverified,
    bearer_token,
    check_audience,
    check_signature,
    check_times,
    optional_text,
    read_unverified,
    required_text,
    text_list,
)
from identity.entitlements import DEFAULT_CLAIMS, GroupRules
from identity.errors import Misconfigured, NotAuthenticated, NotEntitled, Reason
from identity.issuers import Issuer
from identity.key_sources import KeySource, key_source
from identity.recent import RecentTokens
from identity.userinfo import Userinfo

RECENT_TOKENS = 4096
RECENT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Trusted:
    issuer: Issuer
    keys: KeySource
    userinfo: Userinfo | None


class Authenticator:
    """Believes the access tokens of the given issuers, and puts their holders into groups. Safe to use from
    threads.

    issuers: whom to trust; each name once.
    vos: virtual organisation -> entitlement values that must all be there (see `identity.entitlements`). The
        values are taken from any trusted issuer: name an authority in them where issuers differ in what they
    may say. entitlement_claims: the claims that carry the values. clock: gives the time in epoch seconds.
    recent_seconds: how long a verified token is taken as verified, 0 for never. keys: how an issuer's keys
    are read.

    Misconfigured: no issuer, one twice, or a bad rule.
    """

    def __init__(
        self,
        issuers: Sequence[Issuer],
        vos: Mapping[str, Sequence[str]],
        *,
        entitlement_claims: Sequence[str] = DEFAULT_CLAIMS,
        clock: Callable[[], float] = time.time,
        recent_seconds: float = RECENT_SECONDS,
        keys: Callable[[Issuer], KeySource] = key_source,
    ) -> None:
        names = [issuer.issuer for issuer in issuers]
        if not names or len(set(names)) != len(names):
            raise Misconfigured("issuers", "name at least one token issuer, and each one once")
        self._trusted = {issuer.issuer: _trusted(issuer, keys(issuer)) for issuer in issuers}
        self._entitlement_claims = tuple(entitlement_claims)
        self._rules = GroupRules(vos, entitlement_claims)
        self._clock = clock
        self._recent: RecentTokens[Caller] = RecentTokens(RECENT_TOKENS, recent_seconds)

    @property
    def issuers(self) -> tuple[str, ...]:
        """The names of the trusted issuers, in the order of the configuration."""
        return tuple(self._trusted)

    def authenticate(self, authorization: str | None) -> Caller:
        """The user behind the value of an `Authorization` header (None: there was none).

        NotAuthenticated: the token is not to be believed. NotEntitled: it is, but its holder is in no served
        organisation. IssuerUnreachable: nobody can say now.
        """
        return self.verify(bearer_token(authorization))

    def verify(self, token: str) -> Caller:
        """The user whose access token this is; errors as for `authenticate`."""
        caller = self.recall(token)
        if caller is None:
            now = self._clock()
            caller, expires = self._verify(token, now)
            self._recent.put(token, caller, now, expires)
        return caller

    def recall(self, token: str) -> Caller | None:
        """The user whose access token this is, where that was verified moments ago; else None."""
        return self._recent.get(token, self._clock())

    def _verify(self, token: str, now: float) -> tuple[Caller, float]:
        unverified = read_unverified(token)
        trusted = self._trusted.get(unverified.issuer or "")
        if trusted is None:
            raise NotAuthenticated(Reason.ISSUER)
        _check_signed(token, unverified, trusted)
        claims = unverified.claims
        check_audience(claims, trusted.issuer.audiences)
        expires = check_times(claims, now, trusted.issuer.leeway)
        if trusted.userinfo is not None and not any(name in claims for name in self._entitlement_claims):
            told = trusted.userinfo.claims(token, required_text(claims, "sub"), now, expires)
            claims = {**told, **claims}
        return self._caller(claims, trusted.issuer), expires

    def _caller(self, claims: Claims, issuer: Issuer) -> Caller:
        subject = required_text(claims, "sub")
        named = text_list(claims, issuer.groups_claim) if issuer.groups_claim else ()
        groups = tuple(dict.fromkeys([*named, *self._rules.groups(claims)]))
        if not groups:
            raise NotEntitled(self._rules.vos)
        username = optional_text(claims, "preferred_username") or subject
        return Caller(subject, issuer.issuer, username, groups, optional_text(claims, "email"))


def _trusted(issuer: Issuer, keys: KeySource) -> _Trusted:
    return _Trusted(issuer, keys, Userinfo(issuer) if issuer.userinfo else None)


def _check_signed(token: str, unverified: Unverified, trusted: _Trusted) -> None:
    algorithm = unverified.header.get("alg")
    if algorithm not in trusted.issuer.algorithms:
        raise NotAuthenticated(Reason.ALGORITHM)
    kid = unverified.header.get("kid")
    keys = trusted.keys.key_set(kid).find(kid, algorithm)
    if not any(check_signature(token, key) for key in keys):
        raise NotAuthenticated(Reason.SIGNATURE)
