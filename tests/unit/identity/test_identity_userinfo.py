"""Promises of tokens that do not say what their holders are entitled to, from issuers who tell when asked."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from identity.errors import IssuerUnreachable, NotAuthenticated, NotEntitled, Reason
from identity.issuers import Issuer
from identity.tokens import Authenticator
from tests.unit.identity.key_server import KEYS, METADATA, Answer, KeyServer
from tests.unit.identity.support import AUDIENCE, MEMBER, VOS, Clock, Pair, claims_of, key_set

USERINFO = "/userinfo"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, rsa_key: Pair) -> Iterator[KeyServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = KeyServer()
    made.publish(key_set(rsa_key))
    made.publish_metadata(userinfo_endpoint=made.url + USERINFO)
    made.publish({"sub": "alice", "entitlements": [MEMBER], "email": "told@example.org"}, USERINFO)
    yield made
    made.close()


@pytest.fixture
def authenticator(server: KeyServer, clock: Clock) -> Authenticator:
    return Authenticator([Issuer(server.url, (AUDIENCE,), userinfo=True)], VOS, clock=clock, recent_seconds=0)


@pytest.fixture
def thin_token(server: KeyServer, rsa_key: Pair) -> Callable[..., str]:
    def make(**changes: Any) -> str:
        return rsa_key.sign(claims_of(iss=server.url, **({"eduperson_entitlement": None, "email": None} | changes)))

    return make


def test_the_provider_is_asked_once_a_token(
    server: KeyServer, authenticator: Authenticator, thin_token: Callable[..., str]
) -> None:
    token = thin_token()
    for _ in range(5):
        caller = authenticator.verify(token)
    assert (caller.groups, caller.email) == (("vo.example.eu",), "told@example.org")
    assert server.fetches == {METADATA: 2, KEYS: 1, USERINFO: 1}


def test_a_token_that_carries_entitlements_is_not_asked_about(
    server: KeyServer, authenticator: Authenticator, thin_token: Callable[..., str]
) -> None:
    with pytest.raises(NotEntitled):
        authenticator.verify(thin_token(entitlements=["urn:another"]))
    assert USERINFO not in server.fetches


def test_what_the_token_says_goes_before_what_is_told(
    authenticator: Authenticator, thin_token: Callable[..., str]
) -> None:
    assert authenticator.verify(thin_token(email="own@example.org")).email == "own@example.org"


def test_the_answer_is_forgotten_after_ten_minutes(
    server: KeyServer, authenticator: Authenticator, thin_token: Callable[..., str], clock: Clock
) -> None:
    token = thin_token()
    authenticator.verify(token)
    server.publish({"sub": "alice", "entitlements": []}, USERINFO)
    clock.now += 599
    authenticator.verify(token)
    clock.now += 2
    with pytest.raises(NotEntitled):
        authenticator.verify(token)


def test_an_answer_about_somebody_else_counts_for_nothing(
    server: KeyServer, authenticator: Authenticator, thin_token: Callable[..., str]
) -> None:
    server.publish({"sub": "mallory", "entitlements": [MEMBER]}, USERINFO)
    with pytest.raises(NotAuthenticated) as caught:
        authenticator.verify(thin_token())
    assert caught.value.reason is Reason.CLAIMS


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_token_that_its_provider_withdrew_is_refused(
    server: KeyServer, authenticator: Authenticator, thin_token: Callable[..., str], status: int
) -> None:
    server.answers[USERINFO] = Answer(b"{}", status)
    with pytest.raises(NotAuthenticated) as caught:
        authenticator.verify(thin_token())
    assert caught.value.reason is Reason.WITHDRAWN


@pytest.mark.parametrize(
    "answer", [Answer(b"no", 500), Answer(b"[1]"), Answer(b"{"), Answer(b"", 302, {"Location": "/elsewhere"})]
)
def test_a_provider_in_trouble_is_unreachable_and_left_alone_for_a_while(
    server: KeyServer, authenticator: Authenticator, thin_token: Callable[..., str], answer: Answer
) -> None:
    server.answers[USERINFO] = answer
    for _ in range(3):
        with pytest.raises(IssuerUnreachable):
            authenticator.verify(thin_token())
    assert server.fetches[USERINFO] == 1


def test_a_token_with_a_bad_signature_is_never_shown_to_anybody(
    server: KeyServer, authenticator: Authenticator, other_rsa_key: Pair
) -> None:
    forged = other_rsa_key.sign(claims_of(iss=server.url, eduperson_entitlement=None), kid="rsa-1")
    with pytest.raises(NotAuthenticated):
        authenticator.verify(forged)
    assert USERINFO not in server.fetches


def test_an_unsafe_endpoint_is_not_asked(
    server: KeyServer, authenticator: Authenticator, thin_token: Callable[..., str]
) -> None:
    server.publish_metadata(userinfo_endpoint="http://provider.example.eu/userinfo")
    with pytest.raises(IssuerUnreachable, match="userinfo_endpoint"):
        authenticator.verify(thin_token())
