"""The token endpoint of an identity provider: an access token for a refresh token (RFC 6749, section 6)."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard
from urllib.parse import quote_plus

from identity.claims import LARGEST_TOKEN, read_unverified
from identity.errors import FetchFailed, NotAuthenticated
from identity.fetch import fetch_json, post_form
from identity.grants.settings import GrantIssuer
from identity.issuers import discovered_endpoint
from identity.private_files import read_private

READ_TIMEOUT = 10.0
"""Seconds for the head of the provider's answer, and again for its body."""
LONGEST = 25.0
"""Seconds that a refresh takes at most: to connect, and twice READ_TIMEOUT."""
_METADATA_LIFETIME = 3600.0
_SHORTEST = 60.0
"""Seconds that an access token is taken to be good for, where the provider does not say."""
_LONGEST_WORDS = 200
_PASSING = ("temporarily_unavailable", "server_error", "slow_down")
"""Codes of the authorization endpoint that some providers use here as well."""
_SECRET = "grants.issuers.client_secret"  # noqa: S105 - the name of a setting


@dataclass(frozen=True, slots=True)
class Given:
    """What the provider gave. `refresh_token` is the one for the next time, None where the old one stays good."""

    access_token: str = field(repr=False)
    seconds: float
    """That the access token is good for."""
    refresh_token: str | None = field(default=None, repr=False)
    scope: str | None = None
    subject: str | None = None
    """Whose they are, where the provider says so again (OpenID Connect Core, section 12.2)."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider does not honour the refresh token (`invalid_grant`); `why` are its own words, of one line."""

    why: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The provider does not take requests of this service: `code` (RFC 6749, section 5.2)."""

    code: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer, or none that can be understood. `doubtful`: the refresh token may have been used up all the same."""

    why: str
    doubtful: bool


Answer = Given | Declined | Rejected | Unanswered


@dataclass(frozen=True, slots=True)
class _Metadata:
    endpoint: str
    in_header: bool
    """Whether the client's secret goes into the header, not into the form."""
    at: float


class TokenEndpoint:
    """The endpoint of one provider, safe to share between threads. `ticks` counts seconds and never goes back."""

    def __init__(self, client: GrantIssuer, ticks: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._ticks = ticks
        self._lock = threading.Lock()
        self._metadata: _Metadata | None = None

    def prepare(self) -> Unanswered | None:
        """Looks up where the endpoint is, unless that is known; what is wrong where it cannot be found."""
        with self._lock:
            known = self._metadata
            if known is not None and self._ticks() - known.at < _METADATA_LIFETIME:
                return None
            try:
                self._metadata = self._discover()
            except (FetchFailed, ValueError) as failure:
                # Where the endpoint was an hour ago it probably still is.
                return None if known is not None else Unanswered(str(failure), doubtful=False)
        return None

    def refresh(self, refresh_token: str) -> Answer:
        """Shows the refresh token once, whatever becomes of it. Misconfigured where the client's secret cannot be read.

        To be called after `prepare` was content.
        """
        metadata = self._metadata
        if metadata is None:
            return Unanswered("its endpoint is not known", doubtful=False)
        headers, form = self._identification(metadata)
        form |= {"grant_type": "refresh_token", "refresh_token": refresh_token}
        try:
            status, document = post_form(metadata.endpoint, form, headers, read_timeout=READ_TIMEOUT)
        except FetchFailed as failure:
            return _unanswered(failure)
        if status == 200:
            return _given(document, refresh_token)
        return _refusal(status, document, refresh_token)

    def _identification(self, metadata: _Metadata) -> tuple[dict[str, str], dict[str, str]]:
        """The header and the part of the form that say who asks (RFC 6749, section 2.3.1)."""
        name, file = self._client.client_id, self._client.client_secret
        if file is None:
            return {}, {"client_id": name}
        secret = read_private(file, _SECRET).decode("utf-8", "replace").rstrip("\r\n")
        if not metadata.in_header:
            return {}, {"client_id": name, "client_secret": secret}
        both = f"{quote_plus(name)}:{quote_plus(secret)}".encode()
        return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}, {}

    def _discover(self) -> _Metadata:
        issuer = self._client.issuer
        document = fetch_json(issuer.rstrip("/") + "/.well-known/openid-configuration")
        endpoint = discovered_endpoint(document, issuer, "token_endpoint")
        ways = document.get("token_endpoint_auth_methods_supported") if isinstance(document, dict) else None
        in_header = not isinstance(ways, list) or "client_secret_basic" in ways or "client_secret_post" not in ways
        return _Metadata(endpoint, in_header, self._ticks())


def _unanswered(failure: FetchFailed) -> Unanswered:
    done = failure.status is None or failure.status == 200 or failure.status >= 500
    return Unanswered(failure.message, doubtful=failure.sent and done)


def _given(document: object, shown: str) -> Answer:
    fields: Mapping[str, Any] = document if isinstance(document, dict) else {}
    token, kind = fields.get("access_token"), fields.get("token_type")
    if not _is_token(token) or not isinstance(kind, str) or kind.lower() != "bearer":
        return Unanswered("what it answered holds no access token", doubtful=True)
    renewed = fields.get("refresh_token")
    seconds, scope = fields.get("expires_in"), fields.get("scope")
    known = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < 10**9
    return Given(
        token,
        float(seconds) if known and seconds is not None else _SHORTEST,
        renewed if _is_token(renewed) and renewed != shown else None,
        scope if isinstance(scope, str) else None,
        _subject(fields.get("id_token")),
    )


def _refusal(status: int, document: object, shown: str) -> Answer:
    fields: Mapping[str, Any] = document if isinstance(document, dict) else {}
    code = fields.get("error")
    if not isinstance(code, str) or not code.isprintable() or len(code) > _LONGEST_WORDS or shown in code:
        return Unanswered(f"it answered {status}, without a reason", doubtful=False)
    if code in _PASSING:
        return Unanswered(f"it answered {code}", doubtful=True)
    if code != "invalid_grant":
        return Rejected(code)
    words = fields.get("error_description")
    if not isinstance(words, str) or not words.isprintable() or shown in words:
        words = code
    return Declined(words[:_LONGEST_WORDS])


def _subject(token: object) -> str | None:
    # It came from the provider itself, so who signed it need not be looked at (OpenID Connect Core, section 3.1.3.7).
    if not isinstance(token, str):
        return None
    try:
        subject = read_unverified(token).claims.get("sub")
    except NotAuthenticated:
        return None
    return subject if isinstance(subject, str) else None


def _is_token(value: object) -> TypeGuard[str]:
    """Whether it is visible ASCII (RFC 6749, appendix A) of a size that anybody can mean."""
    return isinstance(value, str) and 0 < len(value) <= LARGEST_TOKEN and value.isascii() and value.isprintable()
