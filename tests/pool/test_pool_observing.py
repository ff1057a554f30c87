"""The provisioner and a real pool: what it sees, what it writes, whom it drains, and what it survives."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from cloud_provisioner.amounts import Amount
from cloud_provisioner.errors import PoolSilent
from cloud_provisioner.observing.answers import Observation
from cloud_provisioner.observing.drains import Drains
from cloud_provisioner.observing.session import Session
from cloud_provisioner.planning.demand import Needs
from cloud_provisioner.planning.reasons import Reason, Waiting
from cloud_provisioner.servers.record import ANYONE
from cloud_provisioner.servers.views import Worker
from deploy import nodes
from deploy.home import from_environment
from deploy.instance import Instance
from tests.pool import conftest
from tests.pool.conftest import EXPENDABLE_PORT, User, job
from tests.pool.local_workers import SITE, local_workers
from tests.pool.queueing import ads, queue, remove, run
from tests.pool.seeing import daemon, descendants, head_of
from tests.pool.workers import left_alone

pytestmark = pytest.mark.timeout(300)

UUID = "0123456789abcdef" * 2
NOWHERE = 'TARGET.ProminenceSite == "nowhere"'
HERE = f'TARGET.ProminenceServer == "{UUID}"'
FULL = 'waiting: site A\'s quota is used up (64 of 64 cores); 100 % of "B"'
WITHOUT_DEMAND = """
import sys
from pool.session import Pool
Pool()._located().edit(sys.argv[1], "ProminenceDemand", "undefined")
"""
_T = TypeVar("_T")


@pytest.fixture(scope="module")
def pool() -> Iterator[Instance]:
    """A pool with a worker that an operator brought, and one that runs on a server of the provisioner's."""
    home = conftest.a_home("observed")
    settings = replace(from_environment(os.environ), home=home, port=EXPENDABLE_PORT, most_workers=0)
    for instance in conftest.running(settings):
        with left_alone(instance), local_workers(instance, 2) as made:
            made.create(uuid=UUID)
            made.create(mint=partial(operators, instance))
            yield instance


def operators(instance: Instance, _: str) -> str:
    """The token of a worker that an operator brings: what it says of a server of ours, its identity does not."""
    return nodes.mint_token(head_of(instance), "worker-operators", ["ADVERTISE_STARTD", "ADVERTISE_MASTER"])


@pytest.fixture
def session(pool: Instance) -> Iterator[Session]:
    with provisioner(pool) as one:
        yield one


@contextmanager
def provisioner(pool: Instance, patience: float = 60) -> Iterator[Session]:
    one = Session("prominence@", patience, {"CONDOR_CONFIG": str(pool.home.provisioner_config)})
    try:
        yield one
    finally:
        one.close()


@pytest.fixture(autouse=True)
def empty(pool: Instance) -> Iterator[None]:
    yield
    remove(pool)


def seen(session: Session, found: Callable[[Observation], _T | None], seconds: float = 60) -> _T:
    """What `found` makes of an observation, as soon as it makes anything of one."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            observation = session.observe().result()
        except PoolSilent as error:
            observation = Observation(None, None, (), 0.0, (str(error),))
        result = found(observation)
        if result is not None:
            return result
        assert time.monotonic() < deadline, observation
        time.sleep(0.2)


def worker(observation: Observation) -> Worker | None:
    return observation.pool.workers.get(UUID) if observation.pool else None


def when(*, draining: bool = False, jobs: int | None = None) -> Callable[[Observation], Worker | None]:
    """Gives the worker once it is as described."""

    def found(observation: Observation) -> Worker | None:
        one = worker(observation)
        if one is None or one.draining is not draining or (jobs is not None and one.jobs != jobs):
            return None
        return one

    return found


def test_a_thousand_idle_jobs_are_few_groups_and_learn_why_they_wait(pool: Instance, session: Session) -> None:
    clusters = [queue(pool, 400, requirements=NOWHERE), queue(pool, 400, requirements=NOWHERE)]
    dedicated = {"request_cpus": "8", "priority": "5", "My.ProminenceScaling": '"dedicated"'}
    clusters.append(queue(pool, 200, "ben", 600, requirements=NOWHERE, **dedicated))
    foreign = queue(pool, 1, requirements=NOWHERE)
    run(pool, WITHOUT_DEMAND, f"{foreign}.0")

    groups = seen(session, lambda one: one.groups if one.groups and len(one.groups) == 2 else None)
    small, big = sorted(groups, key=lambda group: group.user)
    assert (small.user, small.vo, small.count, small.needs) == ("alice", "vo", 800, Needs(1, 1, memory=64, disk=1))
    assert (big.user, big.count, big.needs.cpus_min, big.priority, big.own) == ("ben", 200, 8, 5, True)

    reasons = [
        Waiting(small.key, 3, Reason.DEPLOYING, "deploying: a worker at A is being made", "A"),
        Waiting(small.key, 797, Reason.QUOTA, FULL, "A"),
        Waiting(big.key, 200, Reason.NO_SITES, "waiting: no site is configured that could run it"),
    ]
    assert session.say(reasons, 60).result().told == 1000
    told = ads(pool, "true", "ClusterId", "ProcId", "ProminenceReason", "ProminenceReasonText", "ProminenceReasonSite")
    by_id = {(ad["ClusterId"], ad["ProcId"]): ad for ad in told}
    assert [by_id[clusters[0], proc]["ProminenceReason"] for proc in range(5)] == ["deploying"] * 3 + ["quota"] * 2
    last = by_id[clusters[1], 399]
    assert last["ProminenceReasonText"] == FULL.replace("%", "%25").replace('"', "%22")
    assert last["ProminenceReasonSite"] == "A"
    assert by_id[clusters[2], 0]["ProminenceReason"] == "noSites"
    assert "ProminenceReasonSite" not in by_id[clusters[2], 0]
    assert "ProminenceReason" not in by_id[foreign, 0]
    # The log of each job tells it, too.
    log = (pool.home.sandboxes / "queued" / f"{clusters[0]}.log").read_text()
    assert f"033 ({clusters[0]:03d}.000.000)" in log

    session.observe().result()
    assert session.say(reasons, 60).result() == (session.say([], 60).result())
    # Once more, after the jobs that a reason was planned for have left.
    session.observe().result()
    remove(pool, f"ClusterId == {clusters[0]}")
    changed = [replace(one, sentence="waiting: something else") for one in reasons]
    assert session.say(changed, 60).result().left == 0
    assert {ad["ProminenceReasonText"] for ad in ads(pool, f"ClusterId == {clusters[1]}", "ProminenceReasonText")} == {
        "waiting: something else"
    }


def test_jobs_of_workflows_are_told_as_well_and_dagman_goes_on(pool: Instance) -> None:
    user = User(pool, "carol")
    waits = job("true", name="n", policies={"placement": {"requirements": {"sites": ["nowhere"]}}})
    made = user.call("POST", "/workflows", json={"name": "w", "jobs": [waits], "dependencies": {}})
    assert made.status_code == 201, made.text
    node = f"DAGManJobId == {made.json()['id']}"
    deadline = time.monotonic() + 60
    while not (found := ads(pool, node, "ClusterId", "ProcId")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    script = (
        "import sys\nfrom pool.head import Head\nHead().edit('ProminenceReasonText', 'told', [(int(sys.argv[1]), 0)])"
    )
    run(pool, script, str(found[0]["ClusterId"]), config="provisioner_config")
    assert ads(pool, node, "ProminenceReasonText")[0]["ProminenceReasonText"] == "told"
    # DAGMan reads of it in the log of all nodes, and makes nothing of it: the job is removed with the workflow, by DAGMan.
    assert user.call("DELETE", f"/workflows/{made.json()['id']}").status_code == 200
    while ads(pool, f"{node} || ClusterId == {made.json()['id']}", "ClusterId"):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_own_workers_are_seen_by_server_and_others_as_room(pool: Instance, session: Session) -> None:
    one = seen(session, worker)
    assert (one.cloud_id.partition("-")[0], one.jobs, one.draining, one.total.cpus) == (UUID, 0, False, 2)
    assert one.free == one.total
    [static] = seen(session, lambda found: found.static or None)
    assert (static.ours, static.site, static.binding) == (False, SITE, ANYONE)
    assert static.room.holds(Amount(2, 64, 1))
    view = seen(session, lambda found: found.pool)
    assert abs(view.up_since - time.time()) < 300


def test_a_worker_that_is_drained_ends_its_job_first_and_takes_no_other(pool: Instance, session: Session) -> None:
    drains = drained(pool)
    first = queue(pool, seconds=12, requirements=HERE)
    name = seen(session, when(jobs=1)).name
    ask(drains, name)
    seen(session, when(draining=True, jobs=1))
    second = queue(pool, seconds=1, requirements=HERE)
    # To ask again does no harm.
    ask(drains, name)
    seen(session, when(draining=True, jobs=0))
    [ended] = ads(pool, f"ClusterId == {first}", "ExitCode", "NumJobStarts", "RemoteWallClockTime", where="history")
    assert (ended["ExitCode"], ended["NumJobStarts"]) == (0, 1)
    assert ended["RemoteWallClockTime"] >= 12
    assert [ad["JobStatus"] for ad in ads(pool, f"ClusterId == {second}", "JobStatus")] == [1]
    resume(pool, name)
    seen(session, when())


def test_a_job_on_a_worker_that_drains_is_removed_at_once(pool: Instance, session: Session) -> None:
    running = queue(pool, requirements=HERE)
    name = seen(session, when(jobs=1)).name
    ask(drained(pool), name)
    seen(session, when(draining=True, jobs=1))
    remove(pool, f"ClusterId == {running}")
    seen(session, when(draining=True, jobs=0), 20)
    resume(pool, name)
    seen(session, when())


def test_nobody_waits_for_a_schedd_that_is_frozen(pool: Instance) -> None:
    schedd = daemon(head_of(pool), "condor_schedd")
    assert schedd is not None
    with provisioner(pool, patience=3) as session:
        seen(session, lambda one: one.groups)
        child = session.child_pid
        os.kill(schedd, signal.SIGSTOP)
        try:
            began = time.monotonic()
            asked = session.observe()
            assert time.monotonic() - began < 0.5
            with pytest.raises(PoolSilent, match="no answer within 3 s"):
                asked.result(timeout=30)
            assert time.monotonic() - began < 15
            assert not Path(f"/proc/{child}").exists()
        finally:
            os.kill(schedd, signal.SIGCONT)
        seen(session, lambda one: one.groups)


def test_a_conversation_can_be_closed_while_the_pool_is_silent(pool: Instance) -> None:
    schedd = daemon(head_of(pool), "condor_schedd")
    assert schedd is not None
    session = Session("prominence@", 600, {"CONDOR_CONFIG": str(pool.home.provisioner_config)})
    seen(session, lambda one: one.groups)
    os.kill(schedd, signal.SIGSTOP)
    try:
        asked, behind = session.observe(), session.observe()
        began = time.monotonic()
        session.close()
        assert time.monotonic() - began < 15
        assert isinstance(asked.exception(timeout=5), PoolSilent)
        assert behind.cancelled() or isinstance(behind.exception(timeout=5), PoolSilent)
    finally:
        os.kill(schedd, signal.SIGCONT)


@pytest.mark.parametrize("victim", ["condor_schedd", "condor_collector"])
def test_a_daemon_that_dies_is_found_again(pool: Instance, session: Session, victim: str) -> None:
    before = seen(session, lambda one: one.pool if one.groups is not None else None)
    queue(pool, 10, requirements=NOWHERE)
    pid = daemon(head_of(pool), victim)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    after = seen(session, lambda one: one.pool if one.groups and worker(one) else None, 120)
    group = seen(session, lambda one: one.groups[0] if one.groups else None)
    assert group.count == 10
    if victim == "condor_collector":
        assert after.up_since > before.up_since
    # Its rights are still known.
    assert session.say([Waiting(group.key, 10, Reason.QUOTA, FULL)], 60).result().told == 10


def test_a_worker_that_was_deleted_is_forgotten_at_once_and_one_that_died_within_a_minute(
    pool: Instance, session: Session
) -> None:
    seen(session, lambda one: one.static if worker(one) and one.static else None)
    for pid in (pool.home.path / "run").glob("workers-*/*/pid"):
        # The first process of its namespaces, with which all others end, without a word.
        os.kill(next(descendants(int(pid.read_text().split()[0]))), signal.SIGKILL)
    session.depart([UUID]).result()
    one = session.observe().result()
    assert one.pool is not None
    assert one.pool.workers == {}
    assert len(one.static) == 1
    began = time.monotonic()
    seen(session, lambda one: one.pool if not one.static else None, 90)
    assert time.monotonic() - began < 75


def drained(pool: Instance) -> Drains:
    return Drains(nodes.drain_command(pool.settings, pool.home, head_of(pool).machine.lower))


def ask(drains: Drains, name: str) -> None:
    drains.ask([name])
    deadline = time.monotonic() + 30
    while drains.busy:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        drains.tend()


def resume(pool: Instance, name: str) -> None:
    assert pool.on_head(["condor_drain", "-cancel", name]) == 0
