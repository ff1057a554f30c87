"""The key-value store: what goes in comes out, for its user alone, and of many who change a value one wins."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace

import pytest

from api.records.errors import LimitReached
from api.records.pairs import PairLimits, Pairs
from api.records.schema import open_database
from database.transactions import Database

ALICE = ("https://issuer", "alice")
BOB = ("https://issuer", "bob")
KEYS = ["a", "A", "a b", "a/b", "a/b/c", "ab", "ü", "u\u0308", "☃/𝄞", "%2F", "a%b", "_", "a_", "*"]


@pytest.fixture
def pairs(database: Database) -> Pairs:
    return Pairs(database)


def test_every_key_is_a_key_of_its_own(pairs: Pairs) -> None:
    for number, key in enumerate(KEYS):
        pairs.put(ALICE, key, bytes([number]))
    assert [pairs.get(ALICE, key) for key in KEYS] == [bytes([number]) for number in range(len(KEYS))]
    assert pairs.keys(ALICE, "") == sorted(KEYS, key=str.encode)


def test_values_are_any_bytes(pairs: Pairs) -> None:
    value = bytes(range(256)) * 64
    pairs.put(ALICE, "key", b"first")
    pairs.put(ALICE, "key", value)
    assert pairs.get(ALICE, "key") == value


def test_pairs_are_private(pairs: Pairs) -> None:
    pairs.put(ALICE, "key", b"1")
    for other in (BOB, ("https://other", "alice"), ("https://issueralice", "")):
        assert pairs.get(other, "key") is None
        assert pairs.keys(other, "") == []
        assert pairs.items(other, "") == []
        assert not pairs.replace(other, "key", b"1", b"2")
        pairs.remove(other, "key")
        pairs.remove_below(other, "k")
    assert pairs.get(ALICE, "key") == b"1"


def test_lists_are_of_what_begins_with_the_prefix(pairs: Pairs) -> None:
    for key in KEYS:
        pairs.put(ALICE, key, key.encode())
    for prefix in ("a", "a/", "a/b", "ü", "☃", "_", "%", "zzz", "a_"):
        expected = sorted((key for key in KEYS if key.startswith(prefix)), key=str.encode)
        assert pairs.keys(ALICE, prefix) == expected
        assert pairs.items(ALICE, prefix) == [(key, key.encode()) for key in expected]


def test_deleting_below_a_key_spares_its_neighbours(pairs: Pairs) -> None:
    for key in ("a", "a/b", "a/b/c", "ab", "a.b", "b"):
        pairs.put(ALICE, key, b"1")
    pairs.remove_below(ALICE, "a/b/")
    assert pairs.keys(ALICE, "") == ["a", "a.b", "a/b", "ab", "b"]
    pairs.remove_below(ALICE, "a")
    assert pairs.keys(ALICE, "") == ["a.b", "ab", "b"]
    pairs.remove(ALICE, "b")
    pairs.remove(ALICE, "b")
    assert pairs.keys(ALICE, "") == ["a.b", "ab"]


def test_a_value_is_replaced_where_it_is_what_it_was_said_to_be(pairs: Pairs) -> None:
    assert not pairs.replace(ALICE, "key", b"", b"new")
    assert pairs.get(ALICE, "key") is None
    pairs.put(ALICE, "key", b"one")
    assert not pairs.replace(ALICE, "key", b"two", b"three")
    assert pairs.get(ALICE, "key") == b"one"
    assert pairs.replace(ALICE, "key", b"one", b"two")
    assert pairs.get(ALICE, "key") == b"two"


def race(address: str, first: int) -> list[int]:
    """Which of 25 racers changed the value; each wants another one."""
    database = open_database(address)
    pairs = Pairs(database)

    def attempt(number: int) -> bool:
        return pairs.replace(ALICE, "lock", b"free", f"taken by {number}".encode())

    with ThreadPoolExecutor(25) as threads:
        won = list(threads.map(attempt, range(first, first + 25)))
    database.close()
    return [number for number, one in enumerate(won, first) if one]


@pytest.mark.timeout(120)
def test_of_fifty_racers_in_two_processes_one_wins(address: str, pairs: Pairs) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        for _ in range(3):
            pairs.put(ALICE, "lock", b"free")
            won = [number for part in processes.map(race, [address] * 2, (0, 25)) for number in part]
            assert len(won) == 1
            assert pairs.get(ALICE, "lock") == f"taken by {won[0]}".encode()


def test_of_many_who_make_a_key_at_once_all_succeed_and_one_value_stays(pairs: Pairs) -> None:
    values = [bytes([number]) for number in range(20)]
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda value: pairs.put(ALICE, "key", value), values))
    assert pairs.get(ALICE, "key") in values


def test_limits_are_kept_and_said(pairs: Pairs) -> None:
    small = replace(pairs, limits=PairLimits(keys=2))
    small.put(ALICE, "k" * 1024, b"v" * 16384)
    with pytest.raises(LimitReached, match="A key has 1024 bytes"):
        small.put(ALICE, "ü" * 513, b"1")
    with pytest.raises(LimitReached, match="A value has 16384 bytes"):
        small.put(ALICE, "key", b"v" * 16385)
    with pytest.raises(LimitReached, match="A value has 16384 bytes"):
        small.replace(ALICE, "k" * 1024, b"v" * 16384, b"v" * 16385)
    small.put(ALICE, "two", b"1")
    with pytest.raises(LimitReached, match="You have 2 keys"):
        small.put(ALICE, "three", b"1")
    small.put(ALICE, "two", b"2")
    small.put(BOB, "one", b"1")
    with pytest.raises(LimitReached, match="longer prefix"):
        replace(pairs, limits=PairLimits(listed_bytes=100)).items(ALICE, "")
    assert [key for key, _ in replace(pairs, limits=PairLimits(listed_bytes=100)).items(ALICE, "t")] == ["two"]
