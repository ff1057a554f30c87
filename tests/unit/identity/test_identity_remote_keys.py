"""Promises of keys that are fetched from an issuer that may rotate, die, stall or talk nonsense."""

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from identity.errors import IssuerUnreachable, NotAuthenticated, Reason
from identity.issuers import Issuer
from identity.key_sources import KeySource, KeyTimes, key_source
from identity.tokens import Authenticator
from tests.unit.identity.key_server import KEYS, METADATA, Answer, KeyServer
from tests.unit.identity.support import AUDIENCE, VOS, Clock, Pair, claims_of, key_set

TIMES = KeyTimes(lifetime=600, keep=3600, interval=10, read_timeout=1.0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, rsa_key: Pair) -> Iterator[KeyServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = KeyServer()
    made.publish(key_set(rsa_key))
    made.publish_metadata()
    yield made
    made.close()


@pytest.fixture
def ticks() -> Clock:
    """The clock that keys age by; it has nothing to do with the time in tokens."""
    return Clock(1000.0)


@pytest.fixture
def source(server: KeyServer, ticks: Clock) -> KeySource:
    return key_source(Issuer(server.url, (AUDIENCE,), jwks_uri=server.url + KEYS), TIMES, ticks)


@pytest.fixture
def authenticator(server: KeyServer, source: KeySource, clock: Clock) -> Authenticator:
    issuer = Issuer(server.url, (AUDIENCE,), jwks_uri=server.url + KEYS)
    return Authenticator([issuer], VOS, clock=clock, recent_seconds=0, keys=lambda _: source)


@pytest.fixture
def token(server: KeyServer) -> Callable[..., str]:
    return lambda pair, **headers: pair.sign(claims_of(iss=server.url), **headers)


def test_many_tokens_cost_one_fetch(
    server: KeyServer, authenticator: Authenticator, token: Callable[..., str], rsa_key: Pair
) -> None:
    for _ in range(5):
        assert authenticator.verify(token(rsa_key)).subject == "alice"
    assert server.fetches == {KEYS: 1}


def test_keys_are_found_by_discovery(server: KeyServer, ticks: Clock, rsa_key: Pair) -> None:
    found = key_source(Issuer(server.url, (AUDIENCE,)), TIMES, ticks)
    assert found.key_set("rsa-1").knows("rsa-1")
    assert server.fetches == {METADATA: 1, KEYS: 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example.org"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "http://evil.example.org/keys"},
        {"jwks_uri": "file:///etc/keys"},
    ],
)
def test_metadata_of_somebody_else_or_to_an_unsafe_place_is_not_followed(
    changes: dict[str, Any], server: KeyServer, ticks: Clock
) -> None:
    server.publish_metadata(**changes)
    with pytest.raises(IssuerUnreachable, match="metadata"):
        key_source(Issuer(server.url, (AUDIENCE,)), TIMES, ticks).key_set(None)
    assert server.fetches == {METADATA: 1}


def test_a_rotated_key_is_fetched_when_first_seen(
    server: KeyServer,
    authenticator: Authenticator,
    token: Callable[..., str],
    ticks: Clock,
    rsa_key: Pair,
    other_rsa_key: Pair,
) -> None:
    authenticator.verify(token(rsa_key))
    server.publish(key_set(rsa_key, other_rsa_key))
    ticks.now += TIMES.interval
    assert authenticator.verify(token(other_rsa_key)).subject == "alice"
    assert authenticator.verify(token(rsa_key)).subject == "alice"
    assert server.fetches[KEYS] == 2


def test_made_up_key_ids_are_no_fetch_storm(
    server: KeyServer, authenticator: Authenticator, token: Callable[..., str], ticks: Clock, rsa_key: Pair
) -> None:
    authenticator.verify(token(rsa_key))
    for second in range(25):
        ticks.now = 1000.0 + second
        with pytest.raises(NotAuthenticated) as refusal:
            authenticator.verify(token(rsa_key, kid=f"made-up-{second}"))
        assert refusal.value.reason is Reason.SIGNATURE
    assert server.fetches[KEYS] == 3  # at 0, 10 and 20 seconds


def test_many_threads_with_a_new_key_share_one_fetch(
    server: KeyServer, source: KeySource, ticks: Clock, rsa_key: Pair, other_rsa_key: Pair
) -> None:
    source.key_set("rsa-1")
    server.publish(key_set(rsa_key, other_rsa_key))
    ticks.now += TIMES.interval
    start = threading.Barrier(8)

    def ask(_: int) -> bool:
        start.wait(timeout=10)
        return source.key_set("rsa-2").knows("rsa-2")

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(8), timeout=20))
    assert server.fetches[KEYS] == 2


def test_nobody_waits_for_new_keys_who_has_the_one_needed(server: KeyServer, ticks: Clock) -> None:
    patient = KeyTimes(lifetime=600, keep=3600, interval=10, read_timeout=20)
    source = key_source(Issuer(server.url, (AUDIENCE,), jwks_uri=server.url + KEYS), patient, ticks)
    source.key_set("rsa-1")
    assert server.arrived.acquire(timeout=10)
    ticks.now += patient.lifetime
    server.gate.clear()
    with ThreadPoolExecutor(1) as threads:
        fetching = threads.submit(source.key_set, "rsa-1")
        assert server.arrived.acquire(timeout=10)  # the one thread that fetches is now held up
        assert source.key_set("rsa-1").knows("rsa-1")
        assert not fetching.done()
        server.gate.set()
        assert fetching.result(timeout=10).knows("rsa-1")
    assert server.fetches[KEYS] == 2


def test_a_withdrawn_key_ends_with_the_lifetime_of_the_key_set(
    server: KeyServer,
    authenticator: Authenticator,
    token: Callable[..., str],
    ticks: Clock,
    rsa_key: Pair,
    other_rsa_key: Pair,
) -> None:
    authenticator.verify(token(rsa_key))
    server.publish(key_set(other_rsa_key))
    ticks.now += TIMES.lifetime - 1
    assert authenticator.verify(token(rsa_key)).subject == "alice"
    ticks.now += 1
    with pytest.raises(NotAuthenticated):
        authenticator.verify(token(rsa_key))


BROKEN = {
    "HTML": Answer(b"<html>Sign in</html>", headers={"Content-Type": "text/html"}),
    "not found": Answer(b"", 404),
    "an error": Answer(b"{}", 503),
    "a redirect": Answer(b"", 302, headers={"Location": KEYS + "?again"}),
    "no key set": Answer(b'{"keys": 7}'),
    "no keys": Answer(b'{"keys": []}'),
    "no JSON": Answer(b'{"keys": ['),
    "no UTF-8": Answer(b'{"keys": "\xff"}'),
    "deep nesting": Answer(b"[" * 100_000),
    "too much": Answer(b" " * 600_000),
    "a gzip bomb": Answer(gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"}),
    "broken gzip": Answer(b"nonsense", headers={"Content-Encoding": "gzip"}),
    "less than announced": Answer(b'{"keys": []}', declared=100_000),
    "a drip": Answer(b" " * 2000, drip=True),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_answer_leaves_the_keys_held_in_use(
    how: str, server: KeyServer, source: KeySource, ticks: Clock
) -> None:
    source.key_set("rsa-1")
    server.answers[KEYS] = BROKEN[how]
    ticks.now += TIMES.lifetime
    began = time.monotonic()
    assert source.key_set("rsa-1").knows("rsa-1")
    assert time.monotonic() - began < 10
    assert server.fetches == {KEYS: 2}
    with pytest.raises(IssuerUnreachable):  # whether this one is good, nobody can say now
        source.key_set("rsa-2")
    ticks.now += TIMES.keep
    with pytest.raises(IssuerUnreachable):
        source.key_set("rsa-1")


@pytest.mark.parametrize("how", ["too much", "a gzip bomb"])
def test_an_answer_is_refused_for_its_size_and_not_kept_whole(how: str, server: KeyServer, source: KeySource) -> None:
    server.answers[KEYS] = BROKEN[how]
    with pytest.raises(IssuerUnreachable, match="too large"):
        source.key_set(None)


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_first_answer_is_the_issuers_fault(
    how: str, server: KeyServer, authenticator: Authenticator, token: Callable[..., str], rsa_key: Pair
) -> None:
    server.answers[KEYS] = BROKEN[how]
    with pytest.raises(IssuerUnreachable) as refusal:
        authenticator.verify(token(rsa_key))
    assert refusal.value.issuer == server.url


def test_a_dead_issuer_is_asked_again_only_after_the_interval(
    server: KeyServer, authenticator: Authenticator, token: Callable[..., str], ticks: Clock, rsa_key: Pair
) -> None:
    server.answers[KEYS] = Answer(b"", 500)
    for _ in range(3):
        with pytest.raises(IssuerUnreachable, match="500"):
            authenticator.verify(token(rsa_key))
    assert server.fetches[KEYS] == 1
    server.publish(key_set(rsa_key))
    ticks.now += TIMES.interval
    assert authenticator.verify(token(rsa_key)).subject == "alice"


def test_an_issuer_that_went_away_is_unreachable_and_its_keys_serve_for_a_while(
    server: KeyServer, source: KeySource, ticks: Clock
) -> None:
    source.key_set("rsa-1")
    server.close()
    ticks.now += TIMES.keep - 1
    assert source.key_set("rsa-1").knows("rsa-1")
    ticks.now += 1
    with pytest.raises(IssuerUnreachable, match="connection"):
        source.key_set("rsa-1")


def test_a_stalled_issuer_costs_no_more_than_the_time_out(server: KeyServer, source: KeySource) -> None:
    server.gate.clear()
    began = time.monotonic()
    with pytest.raises(IssuerUnreachable, match="in time"):
        source.key_set("rsa-1")
    assert time.monotonic() - began < 5


def test_an_answer_that_is_packed_is_unpacked(server: KeyServer, source: KeySource, rsa_key: Pair) -> None:
    packed = gzip.compress(json.dumps(key_set(rsa_key)).encode())
    server.answers[KEYS] = Answer(packed, headers={"Content-Encoding": "gzip"})
    assert source.key_set("rsa-1").knows("rsa-1")


def test_a_token_of_an_unknown_issuer_or_algorithm_costs_no_fetch(
    server: KeyServer, authenticator: Authenticator, rsa_key: Pair
) -> None:
    with pytest.raises(NotAuthenticated):
        authenticator.verify(rsa_key.sign(claims_of(iss="https://evil.example.org")))
    with pytest.raises(NotAuthenticated):
        authenticator.verify(Pair(b"s" * 64, {}, "HS256", "rsa-1").sign(claims_of(iss=server.url)))
    assert server.fetches == {}
