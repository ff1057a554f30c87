"""The userinfo endpoint of an issuer (OpenID Connect Core, section 5.3), for tokens that do not carry entitlements.

Asked once a token, then remembered for ten minutes and never beyond the token's expiry. After a failure nobody is asked for
some seconds: requests then hear at once that the issuer cannot be reached, instead of each waiting for a time-out.
"""

import threading
import time
from collections.abc import Callable

from identity.claims import Claims
from identity.errors import FetchFailed, IssuerUnreachable, NotAuthenticated, Reason
from identity.fetch import fetch_json
from identity.issuers import Issuer, discovered_endpoint
from identity.recent import RecentTokens

LIFETIME = 600.0
"""Seconds for which an answer is believed."""
QUIET = 5.0
"""Seconds without a question after a failure."""
_SIZE = 4096


class Userinfo:
    """What one issuer says of the holders of its tokens. `ticks` counts seconds and never goes back."""

    def __init__(self, issuer: Issuer, ticks: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._ticks = ticks
        self._known: RecentTokens[Claims] = RecentTokens(_SIZE, LIFETIME)
        self._lock = threading.Lock()
        self._endpoint: str | None = None
        self._failed_at: float | None = None
        self._failure = ""

    def claims(self, token: str, subject: str, now: float, expires: float) -> Claims:
        """The claims about `subject`, who holds `token` (verified, good until `expires`; both times in epoch seconds).

        NotAuthenticated: the issuer no longer honours the token, or speaks of somebody else. IssuerUnreachable: no answer.
        """
        known = self._known.get(token, now)
        if known is None:
            known = self._ask(token)
            if known.get("sub") != subject:
                raise NotAuthenticated(Reason.CLAIMS)
            self._known.put(token, known, now, expires)
        return known

    def _ask(self, token: str) -> Claims:
        with self._lock:
            failed_at = self._failed_at
        if failed_at is not None and self._ticks() - failed_at < QUIET:
            raise IssuerUnreachable(self._issuer.issuer, self._failure)
        try:
            document = fetch_json(self._address(), bearer=token)
            if not isinstance(document, dict):
                raise FetchFailed("what it says of users is no JSON object")
        except (FetchFailed, ValueError) as failure:
            if isinstance(failure, FetchFailed) and failure.status in (400, 401, 403):
                raise NotAuthenticated(Reason.WITHDRAWN) from None
            with self._lock:
                self._failed_at, self._failure = self._ticks(), str(failure)
            raise IssuerUnreachable(self._issuer.issuer, str(failure)) from None
        return document

    def _address(self) -> str:
        if self._endpoint is None:
            url = self._issuer.issuer.rstrip("/") + "/.well-known/openid-configuration"
            self._endpoint = discovered_endpoint(fetch_json(url), self._issuer.issuer, "userinfo_endpoint")
        return self._endpoint
