"""The conversation with a registry, against a real server on the loopback interface."""

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import pytest

from worker.images import Source, docker
from worker.images.errors import (
    ImageChecksumError,
    ImageCredentialsError,
    ImageError,
    ImageNetworkError,
    ImageNotFoundError,
    ImageRateLimitError,
)
from worker.images.reference import DockerName, parse
from worker.images.registry import Access, Registry
from worker.job import Credential

from .conftest import WebServer

DIGEST = "sha256:" + "b" * 64
GOOD = Credential("bob", "s3cret:x")
BASIC = "Basic " + base64.b64encode(b"bob:s3cret:x").decode()


def reply(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes = b"") -> None:
    request.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        request.send_header(name, value)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def manifest(request: BaseHTTPRequestHandler) -> None:
    reply(request, 200, {"Docker-Content-Digest": DIGEST})


def name(server: WebServer, rest: str = "my/app:v1") -> DockerName:
    named = parse(f"{server.host}/{rest}")
    assert isinstance(named, DockerName)
    return named


def ask(server: WebServer, credential: Credential | None = None) -> str:
    return Access(Registry(server.host, server.url), name(server), credential).digest()


def behind_basic(request: BaseHTTPRequestHandler) -> None:
    if request.headers.get("Authorization") == BASIC:
        manifest(request)
    else:
        reply(request, 401, {"WWW-Authenticate": 'Basic realm="r"'})


class BehindTokens:
    """A registry that wants a Bearer token of the token service at ``realm``."""

    def __init__(self, realm: str, private: bool) -> None:
        self.realm = realm
        self.private = private

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        if request.path.startswith("/token"):
            query = parse_qs(urlsplit(request.path).query)
            assert query == {"service": ["reg"], "scope": ["repository:my/app:pull"]}
            allowed = not self.private or request.headers.get("Authorization") == BASIC
            reply(request, 200 if allowed else 401, {}, json.dumps({"token": "tok"}).encode())
        elif request.headers.get("Authorization") == "Bearer tok":
            manifest(request)
        else:
            reply(request, 401, {"WWW-Authenticate": f'Bearer realm="{self.realm}",service="reg",scope="x"'})


def test_a_tag_is_resolved_to_the_digest_it_has_now(web_server: WebServer) -> None:
    web_server.answer = manifest
    assert ask(web_server) == DIGEST
    assert web_server.seen == [("HEAD", "/v2/my/app/manifests/v1", None)]


def test_a_registry_that_does_not_say_the_digest_is_asked_for_the_manifest(web_server: WebServer) -> None:
    web_server.answer = lambda request: reply(request, 200, {}, b"{}")
    assert ask(web_server) == "sha256:" + hashlib.sha256(b"{}").hexdigest()


def test_a_password_is_sent_only_when_it_is_asked_for(web_server: WebServer) -> None:
    web_server.answer = behind_basic
    assert ask(web_server, GOOD) == DIGEST
    assert [authorization for _, _, authorization in web_server.seen] == [None, BASIC]


@pytest.mark.parametrize(("private", "credential"), [(False, None), (True, GOOD)])
def test_a_token_is_fetched_with_or_without_a_password(
    web_server: WebServer, private: bool, credential: Credential | None
) -> None:
    web_server.answer = BehindTokens(f"{web_server.url}/token", private)
    assert ask(web_server, credential) == DIGEST


@pytest.mark.parametrize("credential", [None, Credential("bob", "wrong")])
def test_refused_credentials_say_whether_any_were_given(web_server: WebServer, credential: Credential | None) -> None:
    for answer in (behind_basic, BehindTokens(f"{web_server.url}/token", private=True)):
        web_server.answer = answer
        with pytest.raises(ImageCredentialsError, match="refused" if credential else "needs imagePullCredential"):
            ask(web_server, credential)


def test_a_password_is_not_sent_to_a_token_service_in_the_clear(web_server: WebServer) -> None:
    web_server.answer = BehindTokens("http://tokens.example.org/token", private=True)
    with pytest.raises(ImageNetworkError, match="not safe"):
        ask(web_server, GOOD)
    assert [authorization for _, _, authorization in web_server.seen] == [None]


def test_a_password_does_not_follow_a_redirect_to_another_host(web_server: WebServer) -> None:
    elsewhere = web_server.url.replace("127.0.0.1", "localhost")

    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.path.startswith("/v2/elsewhere"):
            manifest(request)
        elif request.headers.get("Authorization"):
            reply(request, 307, {"Location": f"{elsewhere}/v2/elsewhere"})
        else:
            behind_basic(request)

    web_server.answer = answer
    assert ask(web_server, GOOD) == DIGEST
    assert web_server.seen[-1] == ("HEAD", "/v2/elsewhere", None)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, ImageNotFoundError),
        (403, ImageCredentialsError),
        (429, ImageRateLimitError),
        (500, ImageNetworkError),
        (503, ImageNetworkError),
    ],
)
def test_each_refusal_has_its_own_error(web_server: WebServer, status: int, error: type[ImageError]) -> None:
    web_server.answer = lambda request: reply(request, status, {"Retry-After": "7"})
    with pytest.raises(error) as caught:
        ask(web_server)
    assert caught.value.image == f"{web_server.host}/my/app:v1"
    if isinstance(caught.value, ImageRateLimitError):
        assert caught.value.retry_after == 7


def test_redirects_without_end_are_given_up(web_server: WebServer) -> None:
    web_server.answer = lambda request: reply(request, 302, {"Location": request.path})
    with pytest.raises(ImageNetworkError, match="without end"):
        ask(web_server)
    assert len(web_server.seen) < 10


def test_a_digest_other_than_the_one_asked_for_is_refused(web_server: WebServer, source: Source) -> None:
    web_server.answer = manifest
    with pytest.raises(ImageChecksumError) as caught:
        docker.obtain(name(web_server), "c" * 64, None, source)
    assert caught.value.found == "b" * 64


def test_an_image_in_the_store_opens_only_to_who_may_fetch_it(web_server: WebServer, source: Source) -> None:
    entry = source.cache / "images" / f"docker-{'b' * 64}"
    (entry / "rootfs").mkdir(parents=True)
    web_server.answer = behind_basic
    with pytest.raises(ImageCredentialsError):
        docker.obtain(name(web_server, f"my/app@{DIGEST}"), "", None, source)
    image = docker.obtain(name(web_server, f"my/app@{DIGEST}"), "", GOOD, source)
    assert (image.path, image.sha256, image.cached) == (entry / "rootfs", "b" * 64, True)


def test_of_several_registries_errors_the_one_that_another_try_would_not_change_is_told() -> None:
    missing, down = ImageNotFoundError("i", "a"), ImageNetworkError("i", "b", "down")
    assert docker.telling([missing, down]) is missing
    assert docker.telling([down, missing]) is missing
    assert docker.telling([down]) is down
