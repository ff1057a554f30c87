"""How much an owner may store: counted from what is there, soon right again after others' changes."""

from __future__ import annotations

import pytest

from api.objects.errors import QuotaExceeded
from api.objects.links import Grant
from api.objects.local import LocalStore
from api.objects.quota import Quota
from tests.unit.api.objects.conftest import Clock

OWNER = "users/alice/"


def put(store: LocalStore, key: str, size: int) -> None:
    store.receive(Grant("PUT", key, 10**12), [b"x" * size], None, 10**9)


def test_room_is_what_the_owners_objects_leave(store: LocalStore, clock: Clock) -> None:
    put(store, "users/alice/a", 30)
    put(store, "users/alicia/a", 500)
    quota = Quota(store, limit=100, objects=10, clock=clock)
    assert quota.room(OWNER) == 70
    assert quota.room("groups/g/") == 100


def test_what_this_process_stores_counts_at_once_and_what_others_do_after_a_while(
    store: LocalStore, clock: Clock
) -> None:
    quota = Quota(store, limit=100, objects=10, clock=clock)
    assert quota.room(OWNER) == 100
    quota.add(OWNER, 40)
    assert quota.room(OWNER) == 60
    put(store, "users/alice/a", 90)
    assert quota.room(OWNER) == 60
    clock.now += 31
    assert quota.room(OWNER) == 10
    store.delete("users/alice/a")
    quota.forget(OWNER)
    assert quota.room(OWNER) == 100


def test_a_full_owner_is_told_how_much_is_used(store: LocalStore, clock: Clock) -> None:
    put(store, "users/alice/a", 100)
    with pytest.raises(QuotaExceeded) as refused:
        Quota(store, limit=100, objects=10, clock=clock).room(OWNER)
    assert refused.value.message.startswith("100 of 100 bytes are in use")
    with pytest.raises(QuotaExceeded) as refused:
        Quota(store, limit=1000, objects=1, clock=clock).room(OWNER)
    assert refused.value.message.startswith("1 of 1 objects are in use")


def test_a_clock_that_is_set_back_does_not_keep_a_count(store: LocalStore, clock: Clock) -> None:
    quota = Quota(store, limit=100, objects=10, clock=clock)
    assert quota.room(OWNER) == 100
    put(store, "users/alice/a", 1)
    clock.now -= 1000
    assert quota.room(OWNER) == 99
