"""What Prometheus is told while a provisioner acts, while it does not, and while the database is away."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cloud_provisioner.daemon.clouds import Clouds
from cloud_provisioner.daemon.daemon import Daemon
from cloud_provisioner.daemon.place import Pace
from cloud_provisioner.daemon.standing import usable
from cloud_provisioner.daemon.terms import Terms, View
from cloud_provisioner.drivers.contract import CloudRefused, Offer
from cloud_provisioner.metrics import Metrics
from cloud_provisioner.planning.decisions import Policy
from cloud_provisioner.planning.places import Limits
from cloud_provisioner.planning.reasons import Waiting
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.states import State
from cloud_provisioner.servers.views import CloudView, PoolView
from cloud_provisioner.sites.base import Site
from cloud_provisioner.sites.problem import Problem
from cloud_provisioner.sites.watch import Changes
from cloud_provisioner.store.health import SiteHealth
from cloud_provisioner.store.reader import Reader
from cloud_provisioner.store.schema import SCHEMA, migrate, open_database
from tests.unit.cloud_provisioner.fake_cloud import FLAVORS
from tests.unit.cloud_provisioner.provisioner_loop import TIMES, AtOnce, described
from tests.unit.cloud_provisioner.store.acting import NOW, SECONDS, Acting, Clock, intent
from tests.unit.cloud_provisioner.test_daemon_place import Driver

CALM = {"listing": CloudView({}, NOW), "offer": Offer(FLAVORS, Limits()), "delete": False}
PREFIX = "prominence_provisioner_"


@dataclass
class FakePool:
    seen: View | None = field(default_factory=lambda: View((), PoolView({}, 0.0)))

    def view(self, wait: float) -> View | None:
        return self.seen

    def say(self, reasons: Sequence[Waiting]) -> None:
        pass

    def drain(self, uuids: Iterable[str]) -> None:
        pass

    def depart(self, uuids: Iterable[str]) -> None:
        pass

    def close(self) -> None:
        pass


class Watched:
    """A provisioner on a clock of its own, as Prometheus sees it."""

    def __init__(self, folder: Path, sites: dict[str, Site], driver: Driver, lenders: frozenset[str]) -> None:
        migrate(f"sqlite:///{folder}/database.sqlite")
        self.database = open_database(f"sqlite:///{folder}/database.sqlite")
        self.clock, self.pool, self.metrics = Clock(), FakePool(), Metrics()
        self.sites = FakeSites(sites)
        acting = Acting(self.database, self.clock)
        self.store, self.lease = acting.store, acting.lease
        self.daemon = Daemon(
            acting.store,
            acting.lease,
            self.pool,
            self.sites,  # type: ignore[arg-type]
            Clouds({}, _nobody, Pace(0, 0, 60), lambda _: driver, AtOnce),
            Terms("ours", TIMES, Policy(), _no_order, lambda: "new", lambda: True),
            self.metrics,
            lambda: lenders,
            1.0,
            lambda: self.clock.wall,
            lambda: self.clock.running,
        )

    def cycle(self, seconds: float = 6.0) -> None:
        self.clock.pass_(seconds)
        self.daemon._guarded()

    def told(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(PREFIX + name, labels)

    def all_told(self, name: str) -> list[float]:
        metrics = self.metrics.registry.collect()
        return [sample.value for metric in metrics for sample in metric.samples if sample.name == PREFIX + name]


@dataclass
class FakeSites:
    sites: dict[str, Site]
    wrong: int = 0

    def refresh(self, now: float) -> Changes:
        return Changes()

    def file_of(self, name: str) -> str:
        return f"{name}.yaml"

    def problems(self) -> list[Problem]:
        return [Problem("A.yaml", 1, "", "is wrong")] * self.wrong


Making = Callable[..., Watched]


@pytest.fixture
def make(tmp_path: Path) -> Making:
    def made(
        *sites: Site,
        says: dict[str, object] | None = None,
        lent: bool = False,
        lenders: frozenset[str] = frozenset(),
    ) -> Watched:
        driver = Driver(lent, says or dict(CALM))
        return Watched(tmp_path, {site.name: site for site in sites or (described("A"),)}, driver, lenders)

    return made


def _nobody(user: str) -> Any:
    raise AssertionError(user)


def _no_order(*_: Any) -> Any:
    raise AssertionError("nothing is made here")


def deleting(watched: Watched, **changes: Any) -> None:
    """Has a server on record that the cloud does not delete."""
    server = intent("u", state=State.DELETING, cloud_id="id-1", **changes)
    assert watched.lease.acquire()
    watched.store.write([server])
    watched.lease.release()


def test_the_age_of_the_oldest_deletion_is_told_and_0_where_there_is_none(make: Making) -> None:
    watched = make(described("A"), described("B"))
    deleting(watched, since=NOW - 500)
    watched.cycle(100)
    assert watched.told("deleting_oldest_seconds", site="A") == 600
    assert watched.told("deleting_oldest_seconds", site="B") == 0
    assert watched.told("servers", site="A", state="deleting") == 1
    assert watched.told("servers", site="B", state="deleting") == 0


def test_a_deletion_that_has_ended_is_told_as_0(make: Making) -> None:
    watched = make(says=CALM | {"delete": True})
    deleting(watched)
    for _ in range(3):
        watched.cycle(20)
    assert watched.told("deleting_oldest_seconds", site="A") == watched.told("servers", site="A", state="deleting") == 0


def test_a_site_that_is_known_no_more_is_told_of_no_more(make: Making) -> None:
    watched = make(described("A"), described("B"))
    watched.cycle()
    del watched.sites.sites["B"]
    watched.cycle()
    for name in ("deleting_oldest_seconds", "site_usable", "undeletable_servers"):
        assert (watched.told(name, site="A"), watched.told(name, site="B")) == (name == "site_usable", None)


def test_a_site_that_refuses_is_not_usable(make: Making) -> None:
    watched = make(says=CALM | {"offer": CloudRefused(Failure.AUTH, "no")})
    watched.cycle()
    assert watched.told("site_usable", site="A") == 0


def test_a_site_that_is_switched_off_is_neither_usable_nor_a_fault(make: Making) -> None:
    watched = make(described("A"), described("B"))
    watched.cycle()
    watched.sites.sites["B"] = described("B", enabled=False)
    watched.cycle()
    assert (watched.told("site_usable", site="A"), watched.told("site_usable", site="B")) == (1, None)


def test_a_site_whose_description_has_gone_while_a_server_leaves_is_no_fault(make: Making) -> None:
    watched = make()
    deleting(watched)
    watched.cycle()
    watched.sites.sites.clear()
    watched.cycle()
    assert watched.told("site_usable", site="A") is None
    assert watched.told("deleting_oldest_seconds", site="A") == 12


def test_a_site_to_which_nobody_lends_rights_is_no_fault(make: Making) -> None:
    watched = make(lent=True)
    watched.cycle()
    assert watched.all_told("site_usable") == []
    assert [health.trouble for health in Reader(watched.database).sites()] == [
        "A.yaml: it works with users' own rights, and there are none that can be used (`prominence-admin grants list`)"
    ]


def test_one_place_in_trouble_makes_its_site_unusable_and_one_that_is_not_expected_does_not() -> None:
    fine, sad = SiteHealth("A", "A/x", NOW, NOW), SiteHealth("A", "A/y", NOW, NOW, "no")
    off = SiteHealth("B", "B", NOW, NOW, "it is switched off", expected=False)
    assert usable([fine, sad, off]) == {"A": False}


def test_who_begins_to_act_has_not_been_without_a_look_for_long(make: Making) -> None:
    watched = make()
    watched.pool.seen = None
    assert math.isnan(watched.told("observed_timestamp_seconds") or 0)
    watched.cycle()
    assert watched.told("observed_timestamp_seconds") == watched.clock.wall
    watched.cycle()
    assert watched.told("observed_timestamp_seconds") == watched.clock.wall - 6
    watched.pool.seen = View((), PoolView({}, 0.0))
    watched.cycle()
    assert watched.told("observed_timestamp_seconds") == watched.clock.wall


def test_who_has_lost_the_lease_tells_nothing_of_servers_sites_and_jobs(make: Making) -> None:
    watched = make()
    deleting(watched)
    watched.cycle()
    gone = ("servers", "deleting_oldest_seconds", "waiting_jobs", "site_usable", "undeletable_servers")
    assert all(watched.all_told(name) for name in gone)
    assert watched.told("acting") == 1
    watched.clock.pass_(SECONDS)
    assert Acting(watched.database, watched.clock, "two").lease.acquire()
    watched.cycle()
    assert watched.told("acting") == 0
    assert [watched.all_told(name) for name in gone] == [[]] * len(gone)
    assert math.isnan(watched.told("observed_timestamp_seconds") or 0)


def test_who_cannot_reach_the_database_acts_for_no_longer_than_the_lease(make: Making, tmp_path: Path) -> None:
    watched = make()
    watched.cycle()
    (tmp_path / "database.sqlite").write_bytes(b"this is no database")
    watched.cycle()
    assert watched.told("acting") == 1
    watched.cycle(SECONDS)
    assert watched.told("acting") == 0


def test_the_log_says_now_and_then_why_cycles_are_left_out_and_when_they_go_on(
    make: Making, caplog: pytest.LogCaptureFixture
) -> None:
    def told() -> list[str]:
        return [record.message.partition(":")[0] for record in caplog.records if "cycles" in record.message]

    watched = make()
    caplog.set_level(logging.INFO)
    with watched.database.migrating() as connection:
        connection.execute(text("UPDATE provisioner_version SET version_num = '9999'"))
    for _ in range(20):
        watched.cycle(1)
    assert told() == ["cycles are left out"]
    watched.cycle(60)
    assert told() == ["cycles are left out"] * 2
    with watched.database.migrating() as connection:
        connection.execute(text("UPDATE provisioner_version SET version_num = :needed"), {"needed": SCHEMA.needed()})
    watched.cycle(1)
    watched.cycle(1)
    assert told() == ["cycles are left out", "cycles are left out", "cycles go on"]


def test_who_stands_by_tells_of_problems_of_its_own_files(make: Making) -> None:
    watched = make()
    watched.sites.wrong = 2
    assert Acting(watched.database, watched.clock, "two").lease.acquire()
    watched.cycle(1)
    assert (watched.told("acting"), watched.told("site_problems")) == (0, 2)


def test_a_kind_of_failure_is_counted_from_0() -> None:
    assert Metrics().registry.get_sample_value(f"{PREFIX}failures_total", {"failure": "boot"}) == 0
