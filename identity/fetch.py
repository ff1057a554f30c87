"""One bounded HTTP GET of a JSON document: bounded in time, also against a server that drips, and in size.

Redirects are not followed: OpenID Connect Discovery and JWKS endpoints answer 200 themselves, and a redirect
would lead past the check of where keys may come from.
"""

import json
import time

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
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    try:
        with requests.get(
            url,
            headers=headers,
            timeout=(CONNECT_TIMEOUT, read_timeout),
            allow_redirects=False,
            stream=True,
        ) as response:
            if response.status_code != 200:
                raise FetchFailed(f"it answered {response.status_code}", response.status_code)
            body = _body(response, read_timeout)
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        raise FetchFailed("it did not answer in time") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        raise FetchFailed("no connection, or it broke") from None
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        raise FetchFailed("what it answered is not JSON") from None
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
