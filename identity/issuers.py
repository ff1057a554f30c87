"""A trusted token issuer, as configured: its name, its audiences, its keys, its algorithms."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from identity.claims import is_text
from identity.errors import Misconfigured

# Asymmetric ones alone: with a symmetric algorithm a published key would be a secret that everybody knows.
ASYMMETRIC = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
DEFAULT_ALGORITHMS = ("RS256", "ES256")


@dataclass(frozen=True, slots=True)
class Issuer:
    """One issuer of user tokens. Misconfigured, naming the field, where it is unsafe or cannot work.

    issuer: exactly what its tokens carry as `iss`, a URI.
    audiences: a token must be for one of these.
    jwks_uri, jwks_file: where its keys (RFC 7517) are, at most one of them; with neither, they are found by
        OpenID Connect discovery. Keys come over https, or from this machine's loopback.
    algorithms: what it may sign with, all asymmetric.
    leeway: seconds its clock may differ from ours.
    groups_claim: a claim whose values are the user's groups as they stand, for an issuer trusted with that; these
        come before the groups that follow from entitlements.
    userinfo: ask the issuer's userinfo endpoint about holders of tokens that carry no entitlements.
    """

    issuer: str
    audiences: tuple[str, ...]
    jwks_uri: str | None = None
    jwks_file: Path | None = None
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    leeway: float = 30.0
    groups_claim: str | None = None
    userinfo: bool = False

    def __post_init__(self) -> None:
        is_uri = ":" in self.issuer and is_text(self.issuer)
        _check(is_uri, "issuer", "give the URI that its tokens carry as iss, at most 255 characters")
        _check(_names(self.audiences), "audiences", "give a list with at least one audience")
        _check(_names(self.algorithms), "algorithms", "give a list with at least one algorithm")
        unsafe = sorted(set(self.algorithms) - ASYMMETRIC)
        accepted = ", ".join(sorted(ASYMMETRIC))
        _check(not unsafe, "algorithms", f"{', '.join(unsafe)} is not accepted, only {accepted}")
        _check(0 <= self.leeway <= 300, "leeway", "give 0 to 300 seconds")
        one_place = self.jwks_uri is None or self.jwks_file is None
        _check(one_place, "jwks_uri", "give jwks_uri or jwks_file, not both")
        if self.jwks_file is None:
            _check(is_safe_url(self.jwks_uri or self.issuer), "jwks_uri", "keys must come over https")


def discovered_endpoint(metadata: object, issuer: str, name: str) -> str:
    """The address `name` of `issuer`, by its own decoded metadata (OpenID Connect Discovery, section 3).

    ValueError, with a reason, where the metadata is about another issuer, or names no safe place; an issuer that is
    asked over https cannot send us to plain http, not even on this machine.
    """
    if not isinstance(metadata, dict) or metadata.get("issuer") != issuer:
        raise ValueError("its metadata is not about this issuer")
    uri = metadata.get(name)
    if not isinstance(uri, str) or not is_safe_url(uri):
        raise ValueError(f"its metadata names no https address as {name}")
    if urlsplit(issuer).scheme == "https" != urlsplit(uri).scheme:
        raise ValueError(f"its metadata names no https address as {name}")
    return uri


def is_safe_url(url: str) -> bool:
    """Whether keys from here are the issuer's own: https, or plain http that does not leave this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _names(values: tuple[str, ...]) -> bool:
    # A lone string is a sequence of one-letter names, and never what was meant.
    return not isinstance(values, str) and len(values) > 0 and all(values)


def _check(holds: bool, field: str, why: str) -> None:
    if not holds:
        raise Misconfigured(f"issuers.{field}", why)
