"""What a link of the service leads to: an object of its store, in pieces.

A link is its own right, and may lead to another host: the token stays at home, and redirects are not followed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import requests
from requests.auth import AuthBase

from prominence.errors import UnexpectedAnswer, Unreachable
from prominence.transport import refusal

_PIECE = 256 * 1024


class _Nothing(AuthBase):
    """Sends nothing about the user: without this a ~/.netrc entry for the host would be sent."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def download(session: requests.Session, url: str, timeout: float) -> Iterator[bytes]:
    """Yield the bytes behind a link; `timeout` (seconds) is for connecting and for each wait for data.

    Raises the child of Error which fits an answer that is no success, Unreachable, also midway, UnexpectedAnswer.
    """
    try:
        response = session.get(
            url,
            auth=_Nothing(),
            headers={"Accept": "*/*", "Accept-Encoding": "identity"},
            timeout=timeout,
            stream=True,
            allow_redirects=False,
        )
        with response:
            if response.status_code != 200:
                raise refusal(response, _host(url), time.time())
            received = 0
            for piece in response.iter_content(_PIECE):
                received += len(piece)
                yield piece
    except (requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL):
        raise UnexpectedAnswer("The service gave a link that is no address: tell its operators.") from None
    except requests.exceptions.RequestException as error:
        raise Unreachable(f"The download from {_host(url)} broke off: try again.") from error
    announced = response.headers.get("Content-Length")
    if announced is not None and announced != str(received):
        raise Unreachable(f"The download from {_host(url)} ended after {received} of {announced} bytes: try again.")


def _host(url: str) -> str:
    """The part of a link that may be shown: the rest is a secret."""
    return "/".join(url.split("/", 3)[:3])
