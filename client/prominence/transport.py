"""One HTTP exchange with the service: the token, time-outs, retries, and errors as our exceptions.

Every request of the API may be sent twice: reads and removals are idempotent, and a creation carries an
Idempotency-Key that stays the same over the retries, so that a lost answer never makes a second job.
Redirects are not followed: they would turn a POST into a GET, and the token belongs to one service alone.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import requests
from requests.auth import AuthBase

from prominence.errors import (
    Error,
    Forbidden,
    NotAuthenticated,
    Refused,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from prominence.version import __version__

log = logging.getLogger("prominence")

UNAVAILABLE = frozenset({429, 502, 503, 504})
TRANSIENT = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


_STREAM_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Backoff:
    """How often and how patiently a request is repeated. Times in seconds.

    `attempts` counts the first one. The pauses double from `first` up to `longest`, each shortened by up to a
    half at random. A longer Retry-After is obeyed; beyond `longest_retry_after` the error is raised at once.
    """

    attempts: int = 4
    first: float = 0.5
    longest: float = 8.0
    longest_retry_after: float = 60.0

    def pause(self, attempt: int, chance: float) -> float:
        """Return the pause after the attempt number `attempt` (from 0); `chance` is in [0, 1)."""
        return min(self.longest, self.first * 2.0**attempt) * (0.5 + chance / 2)


class BearerToken(AuthBase):
    """Puts the token on a request; as an auth object, so that a ~/.netrc entry cannot take its place."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the Authorization header."""
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Transport:
    """Sends requests to the service below `base` and gives back successful answers only.

    `timeout` (seconds) bounds the connection and each wait for data. `sleep`, `chance` (gives a number in
    [0, 1)) and `clock` (epoch seconds, for a Retry-After that is a date) are how a caller owns time.
    """

    def __init__(
        self,
        base: str,
        token: str,
        *,
        timeout: float,
        session: requests.Session,
        backoff: Backoff,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base = base
        self._auth = BearerToken(token)
        self._timeout = timeout
        self._session = session
        self._backoff = backoff
        self._sleep = sleep
        self._chance = chance
        self._clock = clock

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Return the answer with a 2xx status to `method` on `path` (begins with a slash).

        Raises the child of Error which fits; Unavailable and Unreachable only after the last attempt.
        """
        attempt = 0
        while True:
            try:
                return self._once(method, path, params, body, headers)
            except (Unavailable, Unreachable) as error:
                pause = self._pause(error, attempt)
                if pause is None:
                    raise
                log.info("%s %s: %s Trying again in %.1f s.", method, path, error.message, pause)
            self._sleep(pause)
            attempt += 1

    def once(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        silence: float,
    ) -> requests.Response:
        """As `request`, in one attempt: for what may have been done although no answer came.

        `silence` is for how many seconds the answer may let wait.
        """
        return self._once(method, path, params, body, None, silence=silence)

    def lines(self, path: str, kind: str, *, headers: Mapping[str, str], silence: float) -> Iterator[bytes]:
        """Yield the lines of a long answer to GET as they come, without their ends; one attempt.

        After `silence` seconds without a byte the connection counts as lost: Unreachable, also midway. UnexpectedAnswer
        where the answer is not of the content type `kind`.
        """
        with self._once("GET", path, None, None, {"Accept": kind, **headers}, silence=silence, stream=True) as response:
            if response.headers.get("Content-Type", "").partition(";")[0].strip() != kind:
                raise UnexpectedAnswer(f"{self._base} does not send output as it grows.", status=response.status_code)
            try:
                yield from response.iter_lines(chunk_size=_STREAM_CHUNK)
            except requests.exceptions.RequestException as error:
                raise Unreachable(self._no_answer(error)) from error

    def _pause(self, error: Unavailable | Unreachable, attempt: int) -> float | None:
        """How long to wait before the next attempt, None where there shall be none."""
        if attempt + 1 >= self._backoff.attempts or isinstance(error.__cause__, _HOPELESS):
            return None
        pause = self._backoff.pause(attempt, self._chance())
        if isinstance(error, Unavailable) and error.retry_after is not None:
            if error.retry_after > self._backoff.longest_retry_after:
                return None
            pause = max(pause, error.retry_after)
        return pause

    def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: bytes | None,
        headers: Mapping[str, str] | None,
        *,
        silence: float | None = None,
        stream: bool = False,
    ) -> requests.Response:
        common = {"User-Agent": f"prominence-client/{__version__}", "Accept": "application/json"}
        if body is not None:
            common["Content-Type"] = "application/json"
        try:
            response = self._session.request(
                method,
                self._base + path,
                params=params,
                data=body,
                headers={**common, **(headers or {})},
                auth=self._auth,
                timeout=self._timeout if silence is None else (self._timeout, silence),
                allow_redirects=False,
                stream=stream,
            )
        except requests.exceptions.RequestException as error:
            raise Unreachable(self._no_answer(error)) from error
        if not 200 <= response.status_code < 300:
            raise refusal(response, self._base, self._clock())
        return response

    def _no_answer(self, error: requests.exceptions.RequestException) -> str:
        if isinstance(error, requests.exceptions.SSLError):
            why = "its certificate was not accepted"
        elif isinstance(error, requests.exceptions.Timeout):
            why = f"no answer within {self._timeout:g} s"
        else:
            why = _innermost(error)
        return f"Cannot reach {self._base} ({why}): check PROMINENCE_URL and the network."


_HOPELESS = (
    requests.exceptions.SSLError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidProxyURL,
)
"""Failures that a second attempt would only repeat."""


def _innermost(error: BaseException) -> str:
    """Return the operating system's words for what happened, found at the bottom of the chain of causes."""
    cause: BaseException | None = error
    words = "the connection was lost"
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            words = cause.strerror
        cause = cause.__cause__ or cause.__context__
    return words


def refusal(response: requests.Response, base: str, now: float) -> Error:
    """Turn an answer that is no success into the exception for it; `now` is in epoch seconds."""
    status = response.status_code
    sentence, field = _said(response)
    if status == 400:
        return Refused(sentence or "The service refused the request.", status=status, field=field)
    if status == 401:
        return NotAuthenticated(
            sentence or "The service does not accept the token: set PROMINENCE_TOKEN to a valid one.",
            status=status,
            field=field,
        )
    if status == 403:
        return Forbidden(sentence or "This is not yours to see or change.", status=status, field=field)
    if status in UNAVAILABLE:
        return Unavailable(
            sentence or f"The service is not available now (HTTP {status}): try again later.",
            status=status,
            retry_after=seconds_until(response.headers.get("Retry-After"), now),
        )
    if status >= 500:
        detail = f": {sentence}" if sentence else "."
        return UnexpectedAnswer(f"The service failed (HTTP {status}){detail}", status=status, field=field)
    target = response.headers.get("Location")
    detail = f", pointing to {target}" if target else f": {sentence}" if sentence else ""
    return UnexpectedAnswer(
        f"{base} answered HTTP {status}{detail}. Check that PROMINENCE_URL is the address of the service.",
        status=status,
        field=field,
    )


def _said(response: requests.Response) -> tuple[str | None, str | None]:
    """Return the service's own sentence and the field it names, where the answer holds them."""
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(answer, dict):
        return None, None
    sentence, field = answer.get("error"), answer.get("field")
    return (
        sentence if isinstance(sentence, str) and sentence else None,
        field if isinstance(field, str) and field else None,
    )


def seconds_until(retry_after: str | None, now: float) -> float | None:
    """Read a Retry-After header, seconds or a date, as seconds from `now` (epoch); None if it is neither."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return max(0.0, (_aware(when) - datetime.fromtimestamp(now, timezone.utc)).total_seconds())


def _aware(when: datetime) -> datetime:
    """An HTTP date is in UTC, also where it writes its zone as -0000."""
    return when if when.tzinfo is not None else when.replace(tzinfo=timezone.utc)
