"""The lease: one process acts at a time, whatever stops, dies, wakes up or has a wrong clock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from cloud_provisioner.errors import LeaseLost
from cloud_provisioner.store.lease import Lease
from cloud_provisioner.store.reader import Reader
from cloud_provisioner.store.schema import open_database
from database.errors import DatabaseUnavailable
from database.transactions import Database
from tests.unit.cloud_provisioner.store.acting import NOW, SECONDS, Acting, Clock, intent


def test_while_one_has_the_lease_no_other_gets_it(acting: Acting, database: Database, clock: Clock) -> None:
    other = Acting(database, clock, "two")
    for _ in range(5):
        clock.pass_(SECONDS / 3)
        acting.lease.renew()
        assert not other.lease.acquire()
        assert acting.lease.valid()
        assert not other.lease.valid()


def test_the_lease_is_taken_over_after_its_end_and_not_before(acting: Acting, database: Database, clock: Clock) -> None:
    other = Acting(database, clock, "two")
    clock.pass_(SECONDS - 0.01)
    assert not other.lease.acquire()
    clock.pass_(0.01)
    assert other.lease.acquire()
    assert other.lease.valid()
    found = Reader(database).lease("service")
    assert found is not None
    assert (found.holder, found.generation, found.until) == ("two", 2, clock.wall + SECONDS)


def test_a_lease_that_was_given_back_is_free_at_once(acting: Acting, database: Database, clock: Clock) -> None:
    acting.lease.release()
    assert not acting.lease.valid()
    assert Acting(database, clock, "two").lease.acquire()
    acting.lease.release()
    found = Reader(database).lease("service")
    assert found is not None
    assert (found.holder, found.until) == ("two", clock.wall + SECONDS)


def test_a_restarted_process_waits_for_nobody(acting: Acting, database: Database, clock: Clock) -> None:
    again = Acting(database, clock)
    assert again.lease.acquire()
    with pytest.raises(LeaseLost, match="a later process of that name"):
        acting.store.write([intent("a")])
    assert again.store.load()[0] == {}


def test_two_of_one_name_do_not_take_the_lease_from_each_other_again_and_again(
    acting: Acting, database: Database, clock: Clock
) -> None:
    second = Acting(database, clock)
    assert second.lease.acquire()
    with pytest.raises(LeaseLost):
        acting.lease.renew()
    for _ in range(5):
        assert not acting.lease.acquire()
        second.lease.renew()
    clock.pass_(SECONDS)
    assert acting.lease.acquire()


@pytest.mark.parametrize(("wall", "running"), [(SECONDS, SECONDS), (0, SECONDS), (SECONDS, 0), (-3600, SECONDS)])
def test_who_was_paused_beyond_the_lease_may_not_act(
    acting: Acting, clock: Clock, database: Database, wall: float, running: float
) -> None:
    clock.wall += wall
    clock.running += running
    assert not acting.lease.valid()
    with pytest.raises(LeaseLost, match="run out"):
        acting.store.write([intent("a")])
    with pytest.raises(LeaseLost):
        acting.lease.renew()
    assert Reader(database).intents() == []


def test_what_is_sent_at_the_end_of_a_lease_has_time_to_arrive(acting: Acting, clock: Clock) -> None:
    clock.pass_(SECONDS * 0.9)
    assert not acting.lease.valid()


def test_who_is_paused_while_another_takes_over_writes_nothing_when_it_wakes(
    acting: Acting, database: Database, clock: Clock
) -> None:
    acting.store.write([intent("a")])
    elsewhere = Clock(NOW + SECONDS, 5.0)
    other = Acting(database, elsewhere, "two")
    assert other.lease.acquire()
    other.store.write([intent("b")], forget=["a"])
    # Its own clocks stood still: the machine was, as a whole, and nothing but the database can tell it.
    assert acting.lease.valid()
    with pytest.raises(LeaseLost, match="two has the lease"):
        acting.store.write([intent("a"), intent("c")], forget=["b"])
    assert not acting.lease.valid()
    with pytest.raises(LeaseLost):
        acting.store.publish([])
    with pytest.raises(LeaseLost):
        acting.store.done([1], NOW)
    assert [one.uuid for one in Reader(database).intents()] == ["b"]


def test_nobody_takes_over_in_the_middle_of_a_write(
    acting: Acting, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("database.engines._BUSY_PATIENCE", 0.1)
    monkeypatch.setattr("database.postgres._LOCK_TIMEOUT", 1)
    late = open_database(address)
    other = Acting(late, Clock(NOW + 2 * SECONDS), "two")
    with acting.lease.writing(), pytest.raises(DatabaseUnavailable):
        other.lease.acquire()
    assert other.lease.acquire()
    late.close()


def test_of_many_who_want_the_lease_one_gets_it(database: Database, address: str, clock: Clock) -> None:
    together = threading.Barrier(6)
    databases = [open_database(address) for _ in range(6)]
    everyone = [Acting(each, clock, f"process {number}") for number, each in enumerate(databases)]

    def take(one: Acting) -> bool:
        together.wait(30)
        return one.lease.acquire()

    with ThreadPoolExecutor(6) as threads:
        for turn in range(1, 6):
            taken = list(threads.map(take, everyone))
            assert sum(taken) == 1
            winner = everyone[taken.index(True)]
            winner.store.write([intent("a", absent=turn)])
            assert winner.lease.generation == turn
            clock.pass_(SECONDS)
    for each in databases:
        each.close()


def test_a_write_of_which_the_answer_was_lost_makes_the_process_read_anew(acting: Acting, database: Database) -> None:
    acting.store.write([intent("a")])
    with database.writing() as connection:
        connection.execute(text("UPDATE provisioner_lease SET writes = writes + 1"))
        connection.execute(text("UPDATE provisioner_intents SET absent = 7"))
    with pytest.raises(LeaseLost, match="could not say so"):
        acting.store.write([intent("b")])
    assert not acting.lease.valid()
    assert acting.lease.acquire()
    assert acting.store.load()[0] == {"a": intent("a", absent=7)}
    acting.store.write([intent("b")])


def test_an_operator_may_end_a_lease_in_the_database(acting: Acting, database: Database, clock: Clock) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE provisioner_lease SET until = 0"))
    with pytest.raises(LeaseLost, match="run out"):
        acting.lease.renew()
    assert Acting(database, clock, "two").lease.acquire()


def test_without_its_database_nobody_has_a_lease(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> None:
    away = open_database(f"sqlite:///{tmp_path_factory.mktemp('away')}/nowhere/provisioner.sqlite")
    one = Acting(away, clock)
    with pytest.raises(DatabaseUnavailable):
        one.lease.acquire()
    assert not one.lease.valid()
    with pytest.raises(LeaseLost, match="does not hold"):
        one.store.write([intent("a")])
    one.lease.release()


PAUSED = """
import sys
from cloud_provisioner.errors import LeaseLost
from cloud_provisioner.store.lease import Lease
from cloud_provisioner.store.schema import open_database
from cloud_provisioner.store.store import Store
from tests.unit.cloud_provisioner.store.acting import intent

database = open_database(sys.argv[1])
lease = Lease(database, "service", "paused", 1.5)
store = Store(database, lease)
print(lease.acquire(), flush=True)
for line in sys.stdin:
    valid = lease.valid()
    try:
        store.write([intent(line.strip())])
    except LeaseLost as error:
        print(valid, error, flush=True)
    else:
        print("written", flush=True)
"""


def test_a_real_process_that_is_stopped_beyond_its_lease_wakes_up_without_it(database: Database, address: str) -> None:
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    command = [sys.executable, "-W", "ignore", "-c", PAUSED, address]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environ, stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        process.send_signal(signal.SIGSTOP)
        process.stdin.write("a\n")
        other, deadline = Lease(database, "service", "other", 60.0), time.monotonic() + 30
        while not other.acquire():
            assert time.monotonic() < deadline
            threading.Event().wait(0.05)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.readline().startswith("False paused may not act for service: its lease has run out.")
        process.stdin.close()
    assert Reader(database).intents() == []
