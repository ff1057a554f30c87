"""Records and past: what is written comes back as it was, whole or not at all."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from cloud_provisioner.amounts import Amount
from cloud_provisioner.daemon.register import Register
from cloud_provisioner.errors import StoreUnreadable
from cloud_provisioner.planning.past import Past, Room, Trouble, accepted, booted, failed
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.record import Binding, Intent, Purpose
from cloud_provisioner.servers.states import State
from cloud_provisioner.store.forgetting import forget_place
from cloud_provisioner.store.lease import Lease
from cloud_provisioner.store.reader import Reader
from cloud_provisioner.store.schema import open_database
from cloud_provisioner.store.store import Store
from database.errors import DatabaseRefused, DatabaseUnavailable
from database.transactions import Database
from tests.unit.cloud_provisioner.store.acting import NOW, Acting, Clock, intent
from tests.unit.database.postgres_server import PostgresServer

ROOT = Path(__file__).parents[4]

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
times = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.integers(0, 2**40)
amounts = st.builds(Amount, numbers, numbers, numbers)
intents = st.builds(
    Intent,
    uuid=st.uuids().map(lambda one: one.hex),
    site=words,
    flavor=words,
    size=amounts,
    room=amounts,
    made_at=times,
    since=times,
    binding=st.builds(Binding, st.none() | words, st.none() | words),
    purpose=st.sampled_from(Purpose),
    preemptible=st.booleans(),
    state=st.sampled_from(State),
    cloud_id=st.none() | words,
    asked_at=times | st.just(float("-inf")),
    absent=st.integers(0, 2**31 - 1),
    absent_since=st.none() | times,
    idle_since=st.none() | times,
    unwanted=st.booleans(),
)
flavored = st.tuples(words, words)
counts = st.integers(0, 2**60)
troubles = st.dictionaries(
    st.sampled_from(Failure), st.tuples(counts, counts, times, counts), max_size=len(Failure)
).map(lambda found: {failure: Trouble(failure, *rest) for failure, rest in found.items()})
pasts = st.builds(
    Past,
    st.dictionaries(flavored, times, max_size=4),
    st.dictionaries(flavored, times, max_size=4),
    st.dictionaries(flavored, st.builds(Room, amounts, amounts, times), max_size=4),
    st.dictionaries(st.tuples(words, st.none() | words, st.none() | words), troubles, max_size=4),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(intents, max_size=8, unique_by=lambda one: one.uuid), past=pasts)
def test_what_is_written_comes_back_as_it_was(
    acting: Acting, database: Database, clock: Clock, found: list[Intent], past: Past
) -> None:
    before, _ = acting.store.load()
    by_uuid = {one.uuid: one for one in found}
    acting.store.write(found, forget=before.keys() - by_uuid.keys(), past=past)
    assert Store(database, acting.lease).load() == (by_uuid, past)
    assert {one.uuid: one for one in Reader(database).intents()} == by_uuid


def test_what_boots_taught_comes_back_step_by_step(acting: Acting, database: Database) -> None:
    past = Past()
    for step in range(12):
        if step % 3 == 2:
            past = booted(
                past, "A", "small", 30.0 + step, Room(Amount(2, 4096, 9000), Amount(2, 3900, 9000), NOW + step)
            )
        elif step % 4 == 3:
            past = accepted(past, "A", "alice")
        else:
            failure = list(Failure)[step % len(Failure)]
            past = failed(past, "A", "small", failure, NOW + 100 * step, 8, "alice" if step % 2 else None)
        acting.store.write(past=past)
        assert Store(database, acting.lease).load() == ({}, past)
        assert Reader(database).past() == past


def test_what_earlier_programs_noted_of_a_flavors_room_is_passed_over(acting: Acting, database: Database) -> None:
    acting.store.write(past=booted(Past(), "A", "small", 30.0, Room(Amount(2, 4096, 9000), Amount(2, 3900, 9000), NOW)))
    with database.writing() as connection:
        connection.execute(text('UPDATE provisioner_past SET lesson = \'{"boot_time": 30.0, "room": [0, 0, 0]}\''))
    past = Store(database, acting.lease).load()[1]
    assert (past.boot_times, past.rooms) == ({("A", "small"): 30.0}, {})


def test_what_has_not_changed_is_not_written(acting: Acting, database: Database) -> None:
    past = failed(failed(Past(), "A", "small", Failure.BOOT, NOW), "B", "small", Failure.AUTH, NOW)
    acting.store.write([intent("a")], past=past)
    with database.writing() as connection:
        connection.execute(text("UPDATE provisioner_past SET lesson = '{}' WHERE scope LIKE '[\"B\"%'"))
    acting.store.write(past=past)
    acting.store.write()
    acting.store.write(past=failed(past, "A", "small", Failure.BOOT, NOW + 9999))
    found = Store(database, acting.lease).load()[1]
    assert set(found.troubles) == {("A", None, None)}
    assert found.troubles["A", None, None][Failure.BOOT].waves == 2


def test_a_store_that_has_not_read_leaves_nothing_of_the_old_past(acting: Acting, database: Database) -> None:
    acting.store.write(past=failed(Past(), "A", "small", Failure.BOOT, NOW))
    fresh, later = Store(database, acting.lease), failed(Past(), "B", "small", Failure.BUSY, NOW)
    fresh.write(past=later)
    assert fresh.load()[1] == later


def test_what_is_changed_and_forgotten_at_once_is_forgotten(acting: Acting) -> None:
    acting.store.write([intent("a"), intent("b")])
    acting.store.write([intent("a", absent=1), intent("b", absent=1)], forget=["a", "unknown"])
    assert acting.store.load()[0] == {"b": intent("b", absent=1)}


def test_what_somebody_else_has_deleted_is_forgotten_at_one_place_alone(acting: Acting, database: Database) -> None:
    acting.store.write([intent("a"), intent("b", site="B")])
    forget_place(database, "A")
    assert set(acting.store.load()[0]) == {"b"}


def test_of_a_write_that_is_refused_nothing_is_stored(acting: Acting) -> None:
    acting.store.write([intent("a")])
    bad = dataclasses.replace(intent("c"), site=None)  # type: ignore[arg-type]
    with pytest.raises(DatabaseRefused):
        acting.store.write([intent("b"), bad], forget=["a"], past=failed(Past(), "A", "s", Failure.BOOT, NOW))
    assert acting.store.load() == ({"a": intent("a")}, Past())
    acting.store.write([intent("b")])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("UPDATE provisioner_intents SET state = 'flying'", "the server a"),
        ("UPDATE provisioner_past SET lesson = '{'", "what boots taught"),
    ],
)
def test_what_cannot_be_understood_is_not_passed_over(
    acting: Acting, database: Database, change: str, what: str
) -> None:
    acting.store.write([intent("a")], past=failed(Past(), "A", "small", Failure.BOOT, NOW))
    with database.writing() as connection:
        connection.execute(text(change))
    with pytest.raises(StoreUnreadable, match=what):
        acting.store.load()


def test_a_register_goes_on_where_the_last_process_stopped(acting: Acting, database: Database, clock: Clock) -> None:
    Register(acting.store, NOW).commit()
    acting.store.write([intent("a", state=State.SENDING), intent("b", state=State.READY)])
    again = Acting(database, clock)
    assert again.lease.acquire()
    register = Register(again.store, NOW + 1)
    register.commit()
    assert {uuid: one.state for uuid, one in register.intents.items()} == {"a": State.ORPHANED, "b": State.READY}
    assert again.store.load()[0] == dict(register.intents)


def test_a_database_that_goes_away_is_said_to_be_and_taken_up_again(postgres: PostgresServer, clock: Clock) -> None:
    database = open_database(postgres.emptied())
    database.migrate()
    acting = Acting(database, clock)
    assert acting.lease.acquire()
    acting.store.write([intent("a")])
    postgres.kill()
    try:
        for call in (acting.store.load, lambda: acting.store.write([intent("b")]), acting.lease.renew):
            with pytest.raises(DatabaseUnavailable):
                call()
        assert acting.lease.valid()
    finally:
        postgres.start()
    acting.store.write([intent("c")])
    assert sorted(acting.store.load()[0]) == ["a", "c"]
    database.close()


WRITER = """
import sys
from cloud_provisioner.planning.past import Past
from cloud_provisioner.store.forgetting import forget_place
from cloud_provisioner.store.lease import Lease
from cloud_provisioner.store.schema import open_database
from cloud_provisioner.store.store import Store
from tests.unit.cloud_provisioner.store.acting import intent

database = open_database(sys.argv[1])
lease = Lease(database, "service", "writer", 60.0)
assert lease.acquire()
store = Store(database, lease)
intents, past = store.load()
first = max((one.absent for one in intents.values()), default=0) + 1
for number in range(first, first + 100_000):
    new = [intent(f"{name:032x}", absent=number) for name in range(20)]
    extra = [intent(f"extra {number}", absent=number)]
    store.write(new + extra, [f"extra {number - 1}"], Past(failing={(f"site {one}", "f"): float(number) for one in range(5)}))
    print(number, flush=True)
"""


def test_a_writer_that_is_killed_leaves_a_whole_batch_or_none(database: Database, address: str) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    last = 0
    for turn in range(4):
        command = [sys.executable, "-W", "ignore", "-c", WRITER, address]
        with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            # It goes on writing while it is killed, somewhere between two lines.
            said = [int(process.stdout.readline()) for _ in range(5 + 3 * turn)]
            process.send_signal(signal.SIGKILL)
            said += [int(line) for line in process.stdout if line.endswith("\n")]
        assert said[0] == last + 1
        # As a process that starts does: who takes the lease waits for what the last one had begun to commit.
        lease = Lease(database, "service", "writer", 60.0)
        assert lease.acquire()
        found, past = Store(database, lease).load()
        last = max(one.absent for one in found.values())
        assert last in (said[-1], said[-1] + 1)
        assert sorted(found) == sorted([*(f"{name:032x}" for name in range(20)), f"extra {last}"])
        assert {one.absent for one in found.values()} == {last}
        assert past.failing == {(f"site {one}", "f"): float(last) for one in range(5)}
