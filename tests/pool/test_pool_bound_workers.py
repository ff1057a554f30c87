"""Workers that the provisioner makes: for one user, for one virtual organisation, for one job at a time, for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest

from cloud_provisioner.servers.record import Purpose
from deploy import nodes
from deploy.instance import Instance
from pool.binding import name_of
from pool.worker_tokens import WorkerTokens
from tests.pool.conftest import User
from tests.pool.local_workers import local_workers
from tests.pool.saying import on_head

pytestmark = pytest.mark.timeout(240)

CPUS = 2
OWN = 'ProminencePurpose =?= "own"'


@contextmanager
def worker(
    instance: Instance, site: str, owner: str | None = None, group: str | None = None, **facts: Any
) -> Iterator[str]:
    """A worker of CPUS at a site that serves a user, a group, or everybody; its server's uuid."""
    tokens = WorkerTokens(instance.home.signing_key.read_bytes(), nodes.DOMAIN)
    with local_workers(instance, CPUS, site) as made:
        uuid, _ = made.create(mint=lambda uuid: tokens.mint(uuid, owner, group, 600), **facts)
        yield uuid


def sites(somebody: User) -> set[str]:
    return {one["site"] for one in somebody.call("GET", "/resources").json()["existing"]}


def seen(somebody: User, site: str) -> None:
    deadline = time.monotonic() + 60
    while site not in sites(somebody):
        assert time.monotonic() < deadline, f"no worker of the site {site} has joined"
        time.sleep(0.1)


def identity(instance: Instance, site: str) -> str:
    """As whom the collector knows the worker of a site."""
    where = f'ProminenceSite == "{site}" && PartitionableSlot =?= true'
    return on_head(instance, "condor_status", "-constraint", where, "-af", "AuthenticatedIdentity").strip()


def only_at(site: str, **more: Any) -> dict[str, Any]:
    return {"policies": {"placement": {"requirements": {"sites": [site]}}, **more}}


def span(somebody: User, number: int) -> tuple[float, float]:
    """When a job ran."""
    events = {one["event"]: one["time"] for one in somebody.call("GET", f"/jobs/{number}/events").json()}
    return events["started"], events["ended"]


@pytest.mark.parametrize(
    ("owner", "group", "served"),
    [
        ("ann", "bio", {("ann", "bio")}),
        (None, "bio", {("ann", "bio"), ("bea", "bio")}),
        ("ann", None, {("ann", "bio"), ("ann", "geo")}),
    ],
)
def test_a_bound_worker_runs_jobs_of_its_user_and_group_alone(
    instance: Instance,
    user: Callable[..., User],
    owner: str | None,
    group: str | None,
    served: set[tuple[str, str]],
) -> None:
    callers = {(name, vo): user(name, (vo,)) for name in ("ann", "bea") for vo in ("bio", "geo")}
    site = f"bound-to-{owner}-{group}"
    with worker(instance, site, owner, group) as server:
        seen(callers["ann", "bio"], site)
        assert identity(instance, site) == f"{name_of(server, owner, group)}@{nodes.DOMAIN}"
        assert {who for who, caller in callers.items() if site in sites(caller)} == served
        jobs = {who: caller.submit("true", **only_at(site)) for who, caller in callers.items()}
        for who in served:
            shown = callers[who].wait(jobs[who])
            assert (shown["status"], shown["execution"]["site"]) == ("completed", site)
        # The worker is free, and those that are left stay.
        again = min(served)
        assert callers[again].wait(callers[again].submit("true", **only_at(site)))["status"] == "completed"
        for who in callers.keys() - served:
            assert callers[who].describe(jobs[who])["status"] == "idle"
            callers[who].call("DELETE", f"/jobs/{jobs[who]}")


def test_a_worker_of_ones_own_takes_dedicated_jobs_one_at_a_time(instance: Instance, user: Callable[..., User]) -> None:
    callers = [user(name) for name in ("eve", "fay", "gil")]
    with worker(instance, "alone", purpose=Purpose.OWN):
        seen(callers[0], "alone")
        beside = callers[0].submit("true", **only_at("alone"))
        jobs = [one.submit("sleep 2", **only_at("alone", autoScalingType="dedicated")) for one in callers]
        elsewhere = callers[1].submit("true", **only_at("local", autoScalingType="dedicated"))
        running = callers[0].wait(jobs[0], "running", "completed", seconds=120)["status"]
        shown = on_head(instance, "condor_status", "-constraint", f"{OWN} && PartitionableSlot", "-af", "State", "Cpus")
        # A worker that is taken is not one whose owner wants it back.
        assert shown.split()[0] == "Unclaimed", (running, shown)
        spans = sorted(
            span(caller, number)
            for caller, number in zip(callers, jobs, strict=True)
            if caller.wait(number, seconds=120)["status"] == "completed"
        )
        assert len(spans) == 3
        assert all(first[1] <= second[0] for first, second in pairwise(spans)), spans
        assert callers[0].describe(beside)["status"] == "idle"
        assert callers[1].describe(elsewhere)["status"] == "idle"
        callers[0].call("DELETE", f"/jobs/{beside}")
        callers[1].call("DELETE", f"/jobs/{elsewhere}")


def test_a_worker_that_may_be_withdrawn_runs_jobs_that_allow_it(instance: Instance, user: Callable[..., User]) -> None:
    alice = user("alice")
    with worker(instance, "spot", preemptible=True):
        seen(alice, "spot")
        stays = alice.submit("true", **only_at("spot"))
        shown = alice.wait(alice.submit("true", **only_at("spot", preemptible=True)))
        assert (shown["status"], shown["execution"]["site"]) == ("completed", "spot")
        assert alice.describe(stays)["status"] == "idle"
        alice.call("DELETE", f"/jobs/{stays}")
