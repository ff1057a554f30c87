"""Promises of believing users' access tokens, and for how long."""

import json
import threading
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from identity.caller import Caller
from identity.errors import IssuerUnreachable, Misconfigured, NotAuthenticated, NotEntitled, Reason
from identity.issuers import Issuer
from identity.recent import RecentTokens
from identity.tokens import Authenticator
from tests.unit.identity.support import (
    AUDIENCE,
    ISSUER,
    NOW,
    VOS,
    Pair,
    Provider,
    claims_of,
    ec_pair,
    ed_pair,
    rsa_pair,
)


def test_a_refusal_is_one_sentence_or_two_that_say_what_to_do() -> None:
    for reason in Reason:
        message = NotAuthenticated(reason).message
        assert message.endswith(".")
        assert len(message) < 120


def test_a_good_token_says_who_the_caller_is(provider: Provider, bearer: Callable[..., str]) -> None:
    assert provider.authenticator().authenticate(bearer()) == Caller(
        subject="alice", issuer=ISSUER, username="alice", groups=("vo.example.eu",), email="alice@example.org"
    )


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_the_scheme_is_read_without_regard_to_case(scheme: str, provider: Provider) -> None:
    assert provider.authenticator().authenticate(f"{scheme}{provider.token()} ").subject == "alice"


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["https://other.example.eu", AUDIENCE]])
def test_one_accepted_audience_is_enough(audience: Any, provider: Provider) -> None:
    assert provider.authenticator().verify(provider.token(aud=audience)).subject == "alice"


def test_clocks_may_differ_by_the_leeway(provider: Provider) -> None:
    authenticator = provider.authenticator()
    late = provider.token(exp=int(NOW) - 29)
    early = provider.token(nbf=int(NOW) + 29, iat=int(NOW) + 29)
    assert [authenticator.verify(late).subject, authenticator.verify(early).subject] == ["alice", "alice"]


@pytest.mark.parametrize("name", [None, 7, "", "a\nb", "x" * 256])
def test_a_name_that_cannot_be_shown_gives_way_to_the_subject(name: object, provider: Provider) -> None:
    caller = provider.authenticator().verify(provider.token(preferred_username=name, email=name))
    assert (caller.username, caller.email) == ("alice", None)


def test_somebody_in_no_organisation_is_not_entitled(provider: Provider, bearer: Callable[..., str]) -> None:
    with pytest.raises(NotEntitled) as refusal:
        provider.authenticator().authenticate(bearer(eduperson_entitlement=["urn:other"]))
    assert refusal.value.vos == ("vo.example.eu",)
    assert "vo.example.eu" in refusal.value.message


def test_entitlements_count_only_when_the_signature_holds(provider: Provider) -> None:
    forged = rsa_pair("rsa-1").sign(claims_of(eduperson_entitlement=[]))
    with pytest.raises(NotAuthenticated):
        provider.authenticator().verify(forged)


@pytest.mark.parametrize("make", [ec_pair, ed_pair, lambda kid: rsa_pair(kid, algorithm="PS256")])
def test_every_accepted_algorithm_verifies(make: Callable[[str], Pair], provider: Provider) -> None:
    pair = make("k")
    provider.publish(pair)
    provider.issuer = Issuer(ISSUER, (AUDIENCE,), jwks_file=provider.key_file, algorithms=("ES256", "EdDSA", "PS256"))
    assert provider.authenticator().verify(pair.sign(claims_of())).subject == "alice"


def test_a_token_that_names_no_key_is_tried_with_all(provider: Provider, other_rsa_key: Pair) -> None:
    provider.publish(other_rsa_key, provider.pair)
    assert provider.authenticator().verify(provider.pair.sign(claims_of(), kid=None)).subject == "alice"


def test_a_key_that_is_too_short_verifies_nothing(provider: Provider) -> None:
    weak = rsa_pair("weak", bits=1024)
    provider.publish(weak)
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = weak.sign(claims_of())
    with pytest.raises(NotAuthenticated) as refusal:
        provider.authenticator().verify(token)
    assert refusal.value.reason is Reason.SIGNATURE


def test_each_issuer_vouches_for_its_own_tokens_alone(provider: Provider, other_rsa_key: Pair) -> None:
    other_file = provider.key_file.with_name("other.json")
    other_file.write_text(json.dumps({"keys": [dict(other_rsa_key.jwk)]}))
    other = Issuer("https://other.example.org", (AUDIENCE,), jwks_file=other_file)
    authenticator = Authenticator([provider.issuer, other], VOS, clock=provider.clock)
    assert authenticator.verify(other_rsa_key.sign(claims_of(iss=other.issuer))).issuer == other.issuer
    with pytest.raises(NotAuthenticated):
        authenticator.verify(other_rsa_key.sign(claims_of()))


def test_issuers_are_named_and_each_one_once(provider: Provider) -> None:
    for issuers in ([], [provider.issuer, provider.issuer]):
        with pytest.raises(Misconfigured):
            Authenticator(issuers, VOS)


def test_a_verified_token_is_never_believed_beyond_its_expiry(provider: Provider) -> None:
    authenticator = provider.authenticator(recent_seconds=3600)
    token = provider.token(exp=int(NOW) + 10)
    assert authenticator.verify(token).subject == "alice"
    provider.clock.now = NOW + 10 + provider.issuer.leeway
    with pytest.raises(NotAuthenticated) as refusal:
        authenticator.verify(token)
    assert refusal.value.reason is Reason.EXPIRED


def test_a_withdrawn_key_serves_no_longer_than_the_recent_tokens_are_kept(
    provider: Provider, other_rsa_key: Pair
) -> None:
    authenticator = provider.authenticator(recent_seconds=60)
    token = provider.token()
    authenticator.verify(token)
    provider.publish(other_rsa_key)
    provider.clock.now = NOW + 59
    assert authenticator.verify(token).subject == "alice"
    provider.clock.now = NOW + 60
    with pytest.raises(NotAuthenticated):
        authenticator.verify(token)


def test_without_recent_tokens_a_withdrawn_key_ends_at_once(provider: Provider, other_rsa_key: Pair) -> None:
    authenticator = provider.authenticator(recent_seconds=0)
    token = provider.token()
    authenticator.verify(token)
    provider.publish(other_rsa_key)
    with pytest.raises(NotAuthenticated):
        authenticator.verify(token)


def test_a_clock_set_back_keeps_no_token_alive(provider: Provider, other_rsa_key: Pair) -> None:
    authenticator = provider.authenticator(recent_seconds=60)
    token = provider.token(iat=None)
    authenticator.verify(token)
    provider.publish(other_rsa_key)
    provider.clock.now = NOW - 3600
    with pytest.raises(NotAuthenticated):
        authenticator.verify(token)


def test_the_least_used_token_makes_room() -> None:
    recent: RecentTokens[Caller] = RecentTokens(size=2, lifetime=60)
    callers = {name: Caller(name, ISSUER, name, ()) for name in "abc"}
    recent.put("a", callers["a"], NOW, NOW + 60)
    recent.put("b", callers["b"], NOW, NOW + 60)
    assert recent.get("a", NOW) == callers["a"]
    recent.put("c", callers["c"], NOW, NOW + 60)
    assert [recent.get(name, NOW) for name in "abc"] == [callers["a"], None, callers["c"]]


def test_a_key_file_is_read_again_when_it_changes(provider: Provider, other_rsa_key: Pair) -> None:
    authenticator = provider.authenticator()
    token = other_rsa_key.sign(claims_of())
    with pytest.raises(NotAuthenticated):
        authenticator.verify(token)
    provider.publish(provider.pair, other_rsa_key)
    assert authenticator.verify(token).subject == "alice"


@pytest.mark.parametrize("content", [None, "", "{", '{"keys": []}', "[" * 100_000, "\xff"])
def test_a_key_file_that_is_gone_or_broken_is_no_fault_of_the_caller(content: str | None, provider: Provider) -> None:
    authenticator = provider.authenticator(recent_seconds=0)
    token = provider.token()
    authenticator.verify(token)
    provider.key_file.unlink()
    if content is not None:
        provider.key_file.write_bytes(content.encode("latin-1"))
    with pytest.raises(IssuerUnreachable) as refusal:
        authenticator.verify(token)
    assert refusal.value.issuer == ISSUER
    provider.publish(provider.pair)
    assert authenticator.verify(token).subject == "alice"


def test_many_threads_get_their_own_callers(provider: Provider) -> None:
    authenticator = provider.authenticator()
    users = [f"user{number}" for number in range(8)]
    tokens = {user: provider.token(user) for user in users}
    wrong: list[str] = []

    def ask(user: str) -> None:
        for _ in range(50):
            if authenticator.verify(tokens[user]).subject != user:
                wrong.append(user)

    threads = [threading.Thread(target=ask, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
