"""The register writes before it acts, and goes back to what is written where it cannot write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from cloud_provisioner.amounts import Amount
from cloud_provisioner.daemon.register import Register
from cloud_provisioner.planning.past import Past, Room, failed
from cloud_provisioner.servers.advance import told
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.servers.states import Action, Seen, State
from tests.unit.cloud_provisioner.provisioner_loop import Disk

SIZE = Amount(2, 4096, 0)


class Full(Exception):
    pass


class FullDisk(Disk):
    full = False

    def write(self, intents: Iterable[Intent] = (), forget: Iterable[str] = (), past: Past | None = None) -> None:
        if self.full:
            raise Full
        super().write(intents, forget, past)


def intent(uuid: str, state: State = State.INTENDED, **more: object) -> Intent:
    return replace(Intent(uuid, "A", "m2", SIZE, SIZE, 0, 0, state=state), **more)  # type: ignore[arg-type]


def register(*there: Intent) -> tuple[Register, FullDisk]:
    disk = FullDisk({one.uuid: one for one in there})
    return Register(disk, 1), disk


def test_a_call_is_given_out_only_after_its_record_was_written() -> None:
    made, disk = register()
    made.add([intent("u")])
    made.follow(told(made.intents["u"], Seen.DUE, 2), 2)
    assert disk.intents == {}
    todo = made.commit()
    assert [do.action for do in todo] == [Action.CREATE]
    assert disk.intents["u"].state is State.SENDING
    assert made.commit() == []


def test_what_was_being_sent_when_the_process_ended_is_an_orphan_at_the_next_start() -> None:
    made, disk = register(intent("u", State.SENDING))
    assert made.commit() == []
    assert disk.intents["u"].state is State.ORPHANED


def test_what_could_not_be_written_was_never_decided() -> None:
    made, disk = register(intent("ready", State.READY))
    disk.full = True
    made.add([intent("new")])
    made.follow(told(made.intents["ready"], Seen.GIVE_BACK, 2), 2)
    with pytest.raises(Full):
        made.commit()
    assert set(made.intents) == {"ready"}
    assert made.intents["ready"].state is State.READY
    disk.full = False
    assert made.commit() == []


def test_a_record_goes_with_what_its_failure_taught_in_one_transaction() -> None:
    made, disk = register()
    made.add([intent("u", State.SENDING)])
    made.commit()
    made.follow(told(made.intents["u"], Seen.REFUSED, 5, Failure.CAPACITY), 5)
    assert [do.failure for do in made.failures] == [Failure.CAPACITY]
    assert "u" in disk.intents
    made.commit()
    assert disk.intents == {}
    assert Failure.CAPACITY in disk.past.troubles["A", "m2", None]


def test_a_worker_that_joins_teaches_what_jobs_find_on_it() -> None:
    made, disk = register(intent("u", State.JOINING))
    found = Amount(2, 3900, 10)
    made.follow(told(made.intents["u"], Seen.JOINED, 40), 40, found)
    made.commit()
    assert disk.past.rooms["A", "m2"] == Room(SIZE, found, 40)
    assert disk.past.boot_times["A", "m2"] == 40


def test_what_has_not_changed_is_not_written_again() -> None:
    made, disk = register(intent("u", State.READY))
    disk.full = True
    made.follow(told(made.intents["u"], Seen.JOINED, 9), 9)
    assert made.commit() == []


def test_what_has_been_forgotten_is_known_to_who_looked_before() -> None:
    made, _ = register(intent("gone", State.DELETING), intent("there", State.READY))
    made.follow(told(made.intents["gone"], Seen.NOT_FOUND, 50), 50)
    assert made.known_since(49) == {"gone", "there"}
    assert made.known_since(51) == {"there"}


def test_where_the_clock_was_set_back_no_back_off_lasts_longer_than_any_can() -> None:
    disk = Disk(past=failed(Past(), "A", "m2", Failure.QUOTA, 1_000_000))
    made = Register(disk, 1)
    for now in (1, 500):
        made.keep_time(now)
        made.commit()
    ((trouble,),) = (here.values() for here in disk.past.troubles.values())
    assert trouble.until == 601


def test_where_the_clock_was_set_back_a_forgotten_record_is_remembered_no_longer_than_else() -> None:
    made, _ = register(intent("u", State.DELETING))
    made.follow(told(made.intents["u"], Seen.NOT_FOUND, 90_000), 90_000)
    made.keep_time(10)
    assert made.known_since(10) == {"u"}
    assert made.known_since(11) == frozenset()


def refused_for_quota(made: Register, uuid: str, now: float) -> int:
    """Sends a server that is refused; the cores that are noted with its trouble."""
    made.add([intent(uuid, State.SENDING)])
    made.follow(told(made.intents[uuid], Seen.REFUSED, now, Failure.QUOTA), now)
    return made.past.troubles["A", None, None][Failure.QUOTA].cores


def test_of_a_quota_only_what_the_cloud_has_taken_counts_as_used() -> None:
    made, _ = register(
        intent("there", State.READY), intent("ending", State.DELETING), intent("next"), intent("lost", State.ABANDONED)
    )
    assert refused_for_quota(made, "u", 5) == 2 * SIZE.cpus


def test_a_server_that_ends_during_the_wait_is_no_release_twice() -> None:
    made, _ = register(intent("there", State.READY), intent("ending", State.DELETING))
    refused_for_quota(made, "u", 5)
    made.follow(told(made.intents["ending"], Seen.NOT_FOUND, 6), 6)
    assert refused_for_quota(made, "v", 7) == SIZE.cpus
