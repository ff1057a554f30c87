"""One bounded HTTP request for a JSON document: bounded in time, also against a server that drips, and in size.

Redirects are not followed: OpenID Connect Discovery and JWKS endpoints answer 200 themselves, and a redirect
would lead past the check of where keys may come from.
"""

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import requests
import urllib3

from identity.errors import FetchFailed

CONNECT_TIMEOUT = 3.0  # seconds
READ_TIMEOUT = 5.0  # seconds without a byte
_LARGEST = 512 * 1024  # bytes
_PIECE = 64 * 1024  # bytes


def fetch_json(url: str, *, read_timeout: float = READ_TIMEOUT, bearer: str | None = None) -> object:
    """The JSON document at `url`. FetchFailed: no connection, not in time, not 200, too large, not JSON.

    `read_timeout` bounds, in seconds, the wait for the answer's head, and again the whole of its body. `bearer`: an
    access token to show.
    """
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    answer = _exchange(_Request("GET", url, headers), (200,), read_timeout)
    return _json(answer)


def post_form(
    url: str, form: Mapping[str, str], headers: Mapping[str, str], *, read_timeout: float = READ_TIMEOUT
) -> tuple[int, object]:
    """The status, 200 or one that says what is wrong with the form, and the JSON document that answers it.

    FetchFailed as of `fetch_json`; `sent` tells whether the form may have arrived.
    """
    answer = _exchange(_Request("POST", url, headers, form), (200, 400, 401, 403), read_timeout)
    return answer.status, _json(answer)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes


def _exchange(request: _Request, wanted: Collection[int], read_timeout: float) -> _Answer:
    """FetchFailed also where the status is none of those `wanted`."""
    try:
        with requests.request(
            request.method,
            request.url,
            headers={"Accept": "application/json", **request.headers},
            data=request.form,
            auth=_as_it_is,
            timeout=(CONNECT_TIMEOUT, read_timeout),
            allow_redirects=False,
            stream=True,
        ) as response:
            if response.status_code not in wanted:
                raise FetchFailed(f"it answered {response.status_code}", response.status_code)
            return _Answer(response.status_code, _body(response, read_timeout))
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise FetchFailed("it did not answer in time", sent=_may_have_arrived(error)) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise FetchFailed("no connection, or it broke", sent=_may_have_arrived(error)) from None


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    # Without this, a password that the account's .netrc has for the host would take the place of our header.
    return request


def _may_have_arrived(error: Exception) -> bool:
    """Whether a request was sent, at least in part, before `error`: not where there never was a connection."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return not isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)


def _json(answer: _Answer) -> object:
    try:
        document: object = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise FetchFailed("what it answered is not JSON", answer.status) from None
    return document


def _body(response: requests.Response, seconds: float) -> bytes:
    # read1 gives what has arrived: a read of a fixed size would wait for as long as bytes keep dripping in.
    deadline = time.monotonic() + seconds
    body = bytearray()
    while piece := response.raw.read1(_PIECE, decode_content=True):
        body += piece
        if len(body) > _LARGEST:
            raise FetchFailed("what it answered is too large")
        if time.monotonic() > deadline:
            raise FetchFailed("it did not answer in time")
    return bytes(body)
