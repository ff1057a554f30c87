"""The address of the service and the user's token, as they are given: made right, or refused with what to do."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from prominence.errors import InvalidInput, NotAuthenticated

API_PATH = "/prominence/v1"


def service_url(url: str) -> str:
    """Return the address of the API for the address of the service, given with or without `/prominence/v1`.

    Raises InvalidInput where it is no http or https address.
    """
    problem = InvalidInput(
        f"PROMINENCE_URL is {url!r}, which is no address: it looks like https://prominence.example.org."
    )
    try:
        parts = urlsplit(url.strip())
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise problem from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_valid:
        raise problem
    if parts.query or parts.fragment:
        raise problem
    path = parts.path.rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, path if path.endswith(API_PATH) else path + API_PATH, "", ""))


def checked_token(token: str) -> str:
    """Return the token without blanks around it. Raises NotAuthenticated where that can be no token."""
    stripped = token.strip()
    if not stripped:
        raise NotAuthenticated("Set PROMINENCE_TOKEN to your access token.")
    if not all("!" <= character <= "~" for character in stripped):
        raise NotAuthenticated(
            "PROMINENCE_TOKEN holds blanks or characters that no token has: set it to the token alone."
        )
    return stripped
