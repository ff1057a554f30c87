"""Users' access tokens at the identity service: what a web server's OpenID Connect module does in front of it.

The header `Authorization: Bearer` on the federated paths is checked; the token's claims become `OIDC-…` variables.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jwt

_FEDERATED = re.compile(r"/v3/OS-FEDERATION/identity_providers/[^/]+/protocols/[^/]+/auth")
_OURS = ("OIDC", "HTTP_OIDC", "REMOTE_USER")
_PATIENCE = 10

Environ = dict[str, Any]


class Bearer:
    """The application, with users' tokens checked against the provider that the file `provider` describes, if it is there."""

    def __init__(self, application: Callable[..., Iterable[bytes]], provider: Path) -> None:
        self._application = application
        self._provider = provider
        self._keys: dict[str, jwt.PyJWKClient] = {}

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """A request; 401 for a federated one with anything but a good token."""
        for name in [name for name in environ if name.upper().startswith(_OURS)]:
            del environ[name]
        if _FEDERATED.fullmatch(environ.get("PATH_INFO", "")):
            try:
                claims = self._claims(environ.get("HTTP_AUTHORIZATION", ""))
            except (jwt.PyJWTError, OSError) as error:
                headers = [("WWW-Authenticate", 'Bearer error="invalid_token"'), ("Content-Type", "text/plain")]
                start_response("401 Unauthorized", headers)
                return [f"invalid token: {type(error).__name__}".encode()]
            environ |= {f"OIDC-{name}": _text(value) for name, value in claims.items()}
            environ |= {"REMOTE_USER": claims["sub"], "AUTH_TYPE": "oauth20"}
        return self._application(environ, start_response)

    def _claims(self, header: str) -> dict[str, Any]:
        """Claims of the token in the header. Raises jwt.PyJWTError, and OSError where no provider is known."""
        provider = json.loads(self._provider.read_text())
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise jwt.InvalidTokenError(scheme)
        address = provider["jwks"]
        keys = self._keys.setdefault(address, jwt.PyJWKClient(address, lifespan=60, timeout=_PATIENCE))
        return jwt.decode(
            token.strip(),
            keys.get_signing_key_from_jwt(token.strip()).key,
            algorithms=["RS256", "ES256", "PS256"],
            audience=provider["audience"],
            issuer=provider["issuer"],
            options={"require": ["exp", "sub", "iss"], "verify_aud": provider["audience"] is not None},
        )


def _text(value: object) -> str:
    return ";".join(map(str, value)) if isinstance(value, list) else str(value)
