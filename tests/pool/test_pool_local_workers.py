"""Workers that the local driver makes: they join, run jobs, and end themselves when nobody would miss them."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud_provisioner.servers.record import Purpose
from cloud_provisioner.servers.views import Status
from deploy import nodes
from deploy.instance import Instance
from pool.attributes import Machine
from pool.submission import escaped
from tests.pool.conftest import User
from tests.pool.gates import Gates, gates
from tests.pool.local_workers import REGION, SITE, LocalWorkers, local_workers
from tests.pool.seeing import daemon, until

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def workers(expendable: Instance) -> Iterator[LocalWorkers]:
    with local_workers(expendable, cores=2) as made:
        yield made


@pytest.fixture(scope="module")
def doors() -> Iterator[Gates]:
    with gates() as opened:
        yield opened


def test_a_worker_joins_as_what_it_was_made_and_runs_a_job(workers: LocalWorkers, expendable: Instance) -> None:
    alice = User(expendable, "alice")
    number = alice.submit("sh -c 'id -u; hostname'", policies={"preemptible": True})
    uuid, cloud_id = workers.create(preemptible=True)
    (ad,) = json.loads(nodes.run_on_head(workers.head, ["condor_status", "-json"]))
    assert {name.name: ad[name] for name in Machine} == {
        "SITE": SITE,
        "REGION": escaped(REGION),
        "IMAGE_DIRS": "/images:/cvmfs",
        "IMAGE_CACHE": "/var/cache/prominence",
        "REGISTRY_MIRROR": "",
        "SERVER": uuid,
        "CLOUD_ID": cloud_id,
        "PURPOSE": "shared",
        "PREEMPTIBLE": True,
    }
    assert ad["Name"] == f"slot1@{SITE}-{uuid[:8]}.{nodes.DOMAIN}"
    assert (ad["Cpus"], ad["Memory"]) == (2, 512)
    offered = workers.account.offer().flavors[0].room
    assert ad["Disk"] // 1024 >= offered.disk
    assert ad["AuthenticatedIdentity"] == f"worker-{uuid}@{nodes.DOMAIN}"
    shown = alice.wait(number)
    assert shown["status"] == "completed", shown
    assert alice.stdout(number).splitlines()[1] == f"{SITE}-{uuid[:8]}"
    token = next((workers.folder / cloud_id).glob("pool/tokens/worker")).read_text()
    assert token not in workers.console(cloud_id)
    assert not [log for log in (workers.folder / cloud_id / "pool/log").iterdir() if token in log.read_text("latin-1")]


def test_a_worker_of_its_own_takes_one_job_at_a_time(workers: LocalWorkers, expendable: Instance, doors: Gates) -> None:
    alice = User(expendable, "alice")
    workers.create(purpose=Purpose.OWN)
    numbers = [
        alice.submit(doors.task(f"/own/{place}"), policies={"autoScalingType": "dedicated"}) for place in range(3)
    ]
    until(lambda: sum(doors.waits[f"/own/{place}"] for place in range(3)) == 1, 30)
    for done in range(1, 4):
        time.sleep(4)  # two rounds of the negotiator, in which a second one would start
        waiting = [place for place in range(3) if doors.waits[f"/own/{place}"]]
        assert len(waiting) == done
        doors.open(*(f"/own/{place}" for place in waiting))
        until(lambda done=done: sum(bool(doors.waits[f"/own/{p}"]) for p in range(3)) >= min(3, done + 1), 30)  # type: ignore[misc]
    assert [alice.wait(number)["status"] for number in numbers] == ["completed"] * 3


def test_a_worker_without_a_job_powers_itself_off_and_one_with_a_job_does_not(
    workers: LocalWorkers, expendable: Instance, doors: Gates
) -> None:
    alice = User(expendable, "alice")
    number = alice.submit(doors.task("/busy"))
    uuid, cloud_id = workers.create(idle=15)
    until(lambda: doors.waits["/busy"] == 1, 30)
    time.sleep(20)
    assert workers.status(uuid) is Status.ACTIVE
    doors.open("/busy")
    assert alice.wait(number)["status"] == "completed"
    until(lambda: workers.status(uuid) is Status.STOPPED, 60)
    assert "there was no job for" in workers.console(cloud_id)


def test_a_worker_whose_daemons_hang_powers_itself_off_all_the_same(workers: LocalWorkers) -> None:
    uuid, cloud_id = workers.create(idle=4)
    for name in ("condor_master", "condor_startd"):
        (pid,) = workers.processes(cloud_id, name)
        os.kill(pid, signal.SIGSTOP)
    until(lambda: workers.status(uuid) is Status.STOPPED, 40)


def test_a_worker_powers_itself_off_when_the_life_of_its_token_is_over(workers: LocalWorkers) -> None:
    uuid, cloud_id = workers.create(lifetime=8)
    until(lambda: workers.status(uuid) is Status.STOPPED, 30)
    assert "life of its token" in workers.console(cloud_id)


def test_a_worker_whose_first_process_is_killed_is_stopped_with_all_it_ran(workers: LocalWorkers) -> None:
    uuid, cloud_id = workers.create()
    (first,) = workers.processes(cloud_id, "python3")[:1]
    startd = workers.processes(cloud_id, "condor_startd")
    os.kill(first, signal.SIGKILL)
    until(lambda: workers.status(uuid) is Status.STOPPED, 10)
    assert not [pid for pid in startd if Path(f"/proc/{pid}").exists()]


def test_a_worker_powers_itself_off_when_the_head_hangs_or_is_gone(workers: LocalWorkers) -> None:
    patient, _ = workers.create(silence=600)
    uuid, cloud_id = workers.create(silence=9)
    time.sleep(15)
    assert workers.status(uuid) is Status.ACTIVE, "a pool that answers keeps it"
    collector = daemon(workers.head, "condor_collector")
    assert collector is not None
    os.kill(collector, signal.SIGSTOP)
    try:
        assert nodes.listens(workers.instance.settings), "connections are still accepted"
        until(lambda: workers.status(uuid) is Status.STOPPED, 40)
    finally:
        os.kill(collector, signal.SIGCONT)
    assert "the pool has not answered for" in workers.console(cloud_id)
    other, _ = workers.create(silence=6)
    workers.head.stop()
    try:
        until(lambda: workers.status(other) is Status.STOPPED, 40)
        assert workers.status(patient) is Status.ACTIVE
    finally:
        workers.head.start()
        until(lambda: nodes.listens(workers.instance.settings), 20)


def test_times_of_a_worker(workers: LocalWorkers, record_property: Callable[[str, object], None]) -> None:
    created, visible, deleted = [], [], []
    for _ in range(5):
        order = workers.order()
        began = time.monotonic()
        cloud_id = workers.account.create(order)
        created.append(time.monotonic() - began)
        until(lambda order=order: workers.joined(order.uuid), 30)  # type: ignore[misc]
        visible.append(time.monotonic() - began)
        began = time.monotonic()
        assert workers.account.delete(cloud_id)
        deleted.append(time.monotonic() - began)
    for name, times in (("create", created), ("visible", visible), ("delete", deleted)):
        record_property(name, [round(one, 3) for one in times])
        print(name, [round(one, 3) for one in times])
    assert max(created) < 0.2
    assert max(visible) < 8
    assert max(deleted) < 2
