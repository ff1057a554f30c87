"""An OpenID Connect provider for the tests: a certified one, on loopback, with accounts and faults that tests choose.

Refresh tokens are rotated: each is good for one use, and a second use withdraws everything that came of the first. Access
tokens are JSON Web Tokens with the account's entitlements.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

_PROGRAM = Path(__file__).with_name("provider.mjs")
_REDIRECT = "http://127.0.0.1:1/callback"
_SCOPE = "openid offline_access email profile eduperson_entitlement"
_PATIENCE = 30.0

MEMBER = "urn:mace:egi.eu:group:vo.example.eu:role=member#aai.egi.eu"
ACCOUNTS: Mapping[str, Mapping[str, Any]] = {"alice": {"eduperson_entitlement": [MEMBER]}}
"""Account -> claims; any other name signs in as well, without entitlements."""


@dataclass(frozen=True)
class Tokens:
    """What a sign-in gives."""

    access_token: str
    refresh_token: str
    id_token: str
    expires_in: int

    @property
    def claims(self) -> dict[str, Any]:
        """What stands in the access token."""
        return claims(self.access_token)


def claims(token: str) -> dict[str, Any]:
    """What stands in a JSON Web Token."""
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


@dataclass
class OidcProvider:
    """A provider, once started; `folder` is what `installed` gives. Port 0: one that is free."""

    folder: Path
    port: int = 0
    host: str = "127.0.0.1"
    accounts: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: ACCOUNTS)
    rotate: bool = True
    access_token_seconds: int = 3600
    audience: str = "urn:example:cloud"
    client: str = "prominence"
    """A confidential client; `<client>-public` is one without a secret."""
    secret: str = field(default_factory=lambda: secrets.token_hex(16))
    issuer: str = ""
    """Its address, once it is started."""

    def start(self) -> None:
        """Starts it and waits until it listens. It ends with the process that started it."""
        settings = {
            "port": self.port,
            "host": self.host,
            "accounts": self.accounts,
            "rotate": self.rotate,
            "accessTokenSeconds": self.access_token_seconds,
            "audience": self.audience,
            "client": self.client,
            "secret": self.secret,
            "redirect": _REDIRECT,
        }
        # A module finds the packages beside itself.
        program = shutil.copy(_PROGRAM, self.folder / f"provider-{secrets.token_hex(8)}.mjs")
        environ = {"PATH": os.environ["PATH"], "OIDC_SETTINGS": json.dumps(settings)}
        command = ["setpriv", "--pdeathsig", "KILL", str(self.folder / "bin/node"), str(program)]
        self._process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        try:
            self.issuer = self._first_line()
        finally:
            Path(program).unlink()

    def stop(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.wait(_PATIENCE)
        if self._process.stdout:
            self._process.stdout.close()

    def sign_in(self, account: str, client: str | None = None) -> Tokens:
        """What a service is given after a person has signed in and agreed: the authorization code flow with PKCE."""
        client = client or self.client
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": client,
            "response_type": "code",
            "redirect_uri": _REDIRECT,
            "scope": _SCOPE,
            "prompt": "consent",
            "login_hint": account,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        form = {"grant_type": "authorization_code", "code": self._code(asked), "code_verifier": verifier}
        answer = self._post("/token", form | {"redirect_uri": _REDIRECT}, client)
        assert answer.ok, answer.text
        given = answer.json()
        return Tokens(given["access_token"], given["refresh_token"], given["id_token"], given["expires_in"])

    def revoke(self, refresh_token: str) -> None:
        """Withdraws a refresh token (RFC 7009), as the service it was given to."""
        assert self._post("/token/revocation", {"token": refresh_token}, self.client).ok

    def is_good(self, refresh_token: str) -> bool:
        """Whether a refresh token could be used, without using it (RFC 7662)."""
        answer = self._post("/token/introspection", {"token": refresh_token}, self.client)
        return bool(answer.json()["active"])

    def withdraw(self, account: str) -> None:
        """The person takes back what was agreed to."""
        self._control("withdraw", account=account)

    def fail(self, status: int, count: int = 1) -> None:
        """So many requests to the token endpoint are answered with a page of that status."""
        self._control("fault", status=status, count=count)

    def lose_answers(self, count: int = 1) -> None:
        """So many requests to the token endpoint are carried out, and their connections cut before the answer."""
        self._control("fault", lose="true", count=count)

    @property
    def token_requests(self) -> int:
        """How many requests the token endpoint has had."""
        return self._control("counts")["token"]

    @property
    def reused(self) -> int:
        """How often a refresh token was shown a second time."""
        return self._control("counts")["reused"]

    @contextmanager
    def away(self) -> Iterator[None]:
        """Within this it refuses connections, and afterwards knows all that it knew."""
        self._toggle(listening=False)
        try:
            yield
        finally:
            self._toggle(listening=True)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within this it takes connections and answers nothing."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _code(self, asked: Mapping[str, str]) -> str:
        with requests.Session() as browser:
            answer = browser.get(f"{self.issuer}/auth", params=asked, allow_redirects=False, timeout=_PATIENCE)
            while True:
                assert answer.is_redirect, answer.text
                place = urljoin(answer.url, answer.headers["Location"])
                if place.startswith(_REDIRECT):
                    found = parse_qs(urlsplit(place).query)
                    assert "code" in found, found
                    return found["code"][0]
                answer = browser.get(place, allow_redirects=False, timeout=_PATIENCE)

    def _post(self, path: str, form: Mapping[str, str], client: str) -> requests.Response:
        secret = (client, self.secret) if client == self.client else None
        public = {} if secret else {"client_id": client}
        return requests.post(self.issuer + path, data={**form, **public}, auth=secret, timeout=_PATIENCE)

    def _control(self, action: str, **words: object) -> dict[str, int]:
        answer = requests.get(f"{self.issuer}/control/{action}", params=_texts(words), timeout=_PATIENCE)
        assert answer.ok, answer.text
        counts: dict[str, int] = answer.json()
        return counts

    def _toggle(self, listening: bool) -> None:
        self._process.send_signal(signal.SIGUSR2)
        deadline = time.monotonic() + _PATIENCE
        while self._listens() != listening:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def _listens(self) -> bool:
        try:
            requests.get(f"{self.issuer}/control/counts", timeout=_PATIENCE)
        except requests.ConnectionError:
            return False
        return True

    def _first_line(self) -> str:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            assert selector.select(_PATIENCE), "the provider does not start"
        line = self._process.stdout.readline().decode().strip()
        assert line, "the provider ended; its own words are above"
        return line


def _texts(words: Mapping[str, object]) -> Sequence[tuple[str, str]]:
    return [(name, str(value)) for name, value in words.items()]
