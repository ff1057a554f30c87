"""Where an issuer's keys are read from, and for how long they are believed. Safe to use from many threads.

Races and failures thought of:

- keys are changed while tokens are verified: a key set is immutable and replaced whole;
- many requests find the keys old at once: one thread fetches, the others go on with the keys they have; where
  those do not serve (none yet, or a key id that is not among them) they wait for that one fetch, and do not
  repeat it;
- tokens with made-up key ids: each may ask for a fetch, at most one in `interval` seconds takes place;
- the issuer is down, stalls or answers nonsense: the keys held go on serving for `keep` seconds after they
  were fetched, attempts stay `interval` seconds apart, and a token whose key is not held gets
  IssuerUnreachable, since nobody can say whether it is good.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from identity.errors import FetchFailed, IssuerUnreachable
from identity.fetch import READ_TIMEOUT, fetch_json
from identity.issuers import Issuer, discovered_endpoint
from identity.keys import KeySet


@dataclass(frozen=True, slots=True)
class KeyTimes:
    """How long fetched keys are believed; all in seconds.

    lifetime: after it they are fetched again, at the next request.
    keep: for so long they serve while that fails.
    interval: two fetches are at least so far apart, whatever is asked.
    read_timeout: for the head and for the body of each answer.
    """

    lifetime: float = 600.0
    keep: float = 86_400.0
    interval: float = 10.0
    read_timeout: float = READ_TIMEOUT


DEFAULT_TIMES = KeyTimes()


class KeySource(Protocol):
    """Where the keys of one issuer come from."""

    def key_set(self, kid: str | None) -> KeySet:
        """The keys now held, after an attempt to learn of `kid` where it is unknown.

        IssuerUnreachable: none.
        """
        ...


def key_source(
    issuer: Issuer, times: KeyTimes = DEFAULT_TIMES, clock: Callable[[], float] = time.monotonic
) -> KeySource:
    """The source that the issuer's configuration asks for. `clock` counts seconds and never goes back."""
    if issuer.jwks_file is not None:
        return FileKeys(issuer)
    return RemoteKeys(issuer, times, clock)


class FileKeys:
    """Keys from a local file, read again whenever it changes.

    Whoever writes it replaces it whole. A file that is gone or broken is no reason to believe the old keys:
    its administrator may have meant to withdraw them.
    """

    def __init__(self, issuer: Issuer) -> None:
        if issuer.jwks_file is None:
            raise ValueError("this issuer has no key file")
        self._issuer = issuer
        self._path = issuer.jwks_file
        self._held: tuple[tuple[int, int, int], KeySet] | None = None

    def key_set(self, kid: str | None) -> KeySet:  # noqa: ARG002 - the file alone decides
        """The keys in the file as it is now, whatever `kid` is.

        IssuerUnreachable: not readable, or no key set.
        """
        try:
            status = self._path.stat()
            version = (status.st_mtime_ns, status.st_size, status.st_ino)
            if self._held is None or self._held[0] != version:
                self._held = (
                    version,
                    KeySet.parse(json.loads(self._path.read_bytes()), self._issuer.algorithms),
                )
            return self._held[1]
        except OSError:
            raise IssuerUnreachable(self._issuer.issuer, "the key file cannot be read") from None
        except (ValueError, RecursionError):
            raise IssuerUnreachable(self._issuer.issuer, "the key file holds no usable key set") from None


@dataclass(frozen=True, slots=True)
class _Held:
    keys: KeySet
    at: float


class RemoteKeys:
    """Keys fetched over HTTP, from `jwks_uri` or from where OpenID Connect discovery says."""

    def __init__(self, issuer: Issuer, times: KeyTimes, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._times = times
        self._clock = clock
        self._fetching = threading.Lock()
        self._held: _Held | None = None
        self._tried_at: float | None = None
        self._failure: str | None = None

    def key_set(self, kid: str | None) -> KeySet:
        """The keys held, fetched first where they are old or do not know `kid` and a fetch is due."""
        held = self._usable()
        serves = held is not None and held.keys.knows(kid)
        if held is not None and serves and self._clock() - held.at < self._times.lifetime:
            return held.keys
        if self._fetching.acquire(blocking=not serves):
            try:
                self._fetch_if_due()
            finally:
                self._fetching.release()
        held = self._usable()
        failure = self._failure
        if held is not None and (failure is None or held.keys.knows(kid)):
            return held.keys
        raise IssuerUnreachable(self._issuer.issuer, failure or "its keys have not been fetched")

    def _usable(self) -> _Held | None:
        held = self._held
        return held if held is not None and self._clock() - held.at < self._times.keep else None

    def _fetch_if_due(self) -> None:
        # Also what a thread finds that waited for its turn while another one fetched.
        if self._tried_at is not None and self._clock() - self._tried_at < self._times.interval:
            return
        try:
            keys = KeySet.parse(self._fetch(), self._issuer.algorithms)
        except (FetchFailed, ValueError) as failure:
            self._failure = str(failure)
        else:
            self._held = _Held(keys, self._clock())
            self._failure = None
        # Counted from the end of the attempt: a stalled one takes longer than a short interval.
        self._tried_at = self._clock()

    def _fetch(self) -> object:
        uri = self._issuer.jwks_uri or self._discover()
        return fetch_json(uri, read_timeout=self._times.read_timeout)

    def _discover(self) -> str:
        url = self._issuer.issuer.rstrip("/") + "/.well-known/openid-configuration"
        metadata = fetch_json(url, read_timeout=self._times.read_timeout)
        return discovered_endpoint(metadata, self._issuer.issuer, "jwks_uri")
