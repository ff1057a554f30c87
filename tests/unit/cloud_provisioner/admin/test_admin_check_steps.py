"""The steps of a check: what each finds, and that nothing is left behind, whatever happens."""

from __future__ import annotations

import pytest

from cloud_provisioner.admin.checking.reading import Reading
from cloud_provisioner.admin.checking.report import Report, StepFailed
from cloud_provisioner.admin.checking.running import CheckWorker
from cloud_provisioner.admin.checking.server import SETTLING, CheckServer
from cloud_provisioner.amounts import Amount
from cloud_provisioner.drivers.contract import CloudRefused, Offer, Order
from cloud_provisioner.planning.places import Limits
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.passing import new_uuid, service_of
from cloud_provisioner.servers.views import Listed, Status
from pool.errand import Errand
from pool.errors import PoolUnavailable
from tests.unit.cloud_provisioner.admin.checked_cloud import (
    AMBIGUOUS,
    SMALL,
    CheckedCloud,
    CheckedPool,
    ProbedCloud,
    Time,
    refused,
)
from tests.unit.cloud_provisioner.provisioner_loop import described

UUID = new_uuid(1000.0)
ORDER = Order(UUID, f"ours-{UUID}", service_of("ours"), "small", "vo", "#!/bin/sh\n")


def read(cloud: CheckedCloud, flavor: str | None = None, now: float = 0.0) -> tuple[list[str], bool, Reading]:
    lines: list[str] = []
    reading = Reading(described("A"), "vo", cloud, "ours", flavor, Report(lines.append, cloud.time))
    return lines, reading.run(now), reading


def test_what_is_read_is_a_line_each() -> None:
    lines, worked, reading = read(CheckedCloud())
    assert lines == [
        "PASS  quota           0.0 s  room for one small (1 core, 2 GB); in use: 2 of 10 servers, 4 of 20 cores, "
        "8192 of 40960 MB of memory",
        "PASS  list            0.0 s  0 servers of provisioners, 0 of them ours",
    ]
    assert worked
    assert reading.found == SMALL


def test_pieces_of_a_driver_are_tried_whatever_became_of_those_before() -> None:
    lines, worked, _ = read(ProbedCloud(offers=refused()))
    assert [line[:16].split() for line in lines] == [
        ["PASS", "credential"],
        ["FAIL", "image"],
        ["SKIP", "quota"],
        ["PASS", "list"],
    ]
    assert lines[1].endswith("`image`: there is none.")
    assert lines[2].endswith("what has failed at image is needed for it")
    assert not worked


def test_pieces_that_fail_for_reasons_of_their_own_are_all_told() -> None:
    lines, _, _ = read(ProbedCloud(offers=refused(sentence="`flavors`: there is none.")))
    assert [line[:4] for line in lines] == ["PASS", "FAIL", "FAIL", "PASS"]


def test_a_flavor_that_is_named_is_the_one_that_is_booted() -> None:
    assert read(CheckedCloud(), "large")[2].found is not None
    lines, worked, reading = read(CheckedCloud(), "huge")
    assert lines[0].endswith("The flavor huge cannot be used here; these can: large, small.")
    assert (worked, reading.found) == (False, None)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(2), "2 of 2 servers are in use, one small needs 1 more"),
        (Limits(None, 4), "4 of 4 cores are in use, one small needs 1 more"),
        (Limits(None, None, 9000), "8192 of 9000 MB of memory are in use, one small needs 2048 more"),
    ],
)
def test_a_quota_without_room_for_one_server_is_a_failure(limits: Limits, says: str) -> None:
    lines, worked, _ = read(CheckedCloud(offers=Offer((SMALL,), limits, Amount(4, 8192, 0), 2)))
    assert says in lines[0]
    assert not worked


def test_what_earlier_checks_have_left_is_deleted_and_nobody_elses() -> None:
    def listed(cloud_id: str, until: float, service: str) -> Listed:
        return Listed(cloud_id, new_uuid(until), service, Status.ACTIVE, "small")

    others = (
        listed("over", 0, service_of("ours")),
        listed("now", 10**6, service_of("ours")),
        listed("ours", 0, "ours"),
        listed("another's", 0, service_of("another")),
    )
    cloud = CheckedCloud(others=others)
    lines, worked, _ = read(cloud, now=10_000.0)
    assert cloud.deleted == ["over"]
    assert lines[1].endswith("4 servers of provisioners, 1 of them ours; 1 left over from earlier checks are deleted")
    assert worked


def test_a_list_that_is_not_complete_is_a_failure() -> None:
    assert "not complete" in read(CheckedCloud(complete=False))[0][1]


def server(cloud: CheckedCloud) -> CheckServer:
    return CheckServer(cloud, ORDER, cloud.time, cloud.time.sleep, cloud.time.sleep)


def test_a_server_is_active_and_then_gone() -> None:
    cloud = CheckedCloud()
    one = server(cloud)
    assert one.boot(100) == "small, c-0"
    assert cloud.time.now == 30
    assert one.end(200) == "the cloud does not have it any more"
    assert cloud.time.now == 40


def test_a_refused_server_leaves_nothing_to_wait_for() -> None:
    cloud = CheckedCloud(create_says=refused(), makes=False)
    one = server(cloud)
    with pytest.raises(CloudRefused):
        one.boot(100)
    assert one.end(200) == "there was none"
    assert cloud.time.now == 0


@pytest.mark.parametrize("shows", [0.0, SETTLING - 10])
def test_a_server_whose_creation_was_not_answered_is_found_by_its_uuid(shows: float) -> None:
    cloud = CheckedCloud(create_says=AMBIGUOUS, shows=shows)
    one = server(cloud)
    assert one.boot(500) == "small, c-0"
    one.end(1000)
    assert set(cloud.deleted) == {"c-0"}


def test_one_that_never_appears_is_looked_for_as_long_as_it_might() -> None:
    cloud = CheckedCloud(create_says=AMBIGUOUS, makes=False)
    one = server(cloud)
    with pytest.raises(StepFailed, match=r"The cloud has not answered\. It has not appeared since\."):
        one.boot(500)
    assert cloud.time.now == SETTLING
    assert one.end(500) == "there was none"


@pytest.mark.parametrize("shows", [0.0, 40.0])
def test_a_create_call_that_is_interrupted_leaves_nothing(shows: float) -> None:
    cloud = CheckedCloud(create_says=KeyboardInterrupt(), shows=shows)
    one = server(cloud)
    with pytest.raises(KeyboardInterrupt):
        one.boot(500)
    assert one.end(500) == "the cloud does not have it any more"
    assert set(cloud.deleted) == {"c-0"}


@pytest.mark.parametrize("status", [Status.ERROR, Status.STOPPED])
def test_a_server_that_fails_is_told_of_and_deleted(status: Status) -> None:
    cloud = CheckedCloud(ends_as=status)
    one = server(cloud)
    with pytest.raises(StepFailed, match="c-0 was made and failed"):
        one.boot(500)
    one.end(500)
    assert cloud.listing(0).servers == {}


def test_a_server_that_is_not_active_in_time_is_told_of() -> None:
    with pytest.raises(StepFailed, match="not become active in time"):
        server(CheckedCloud(boots=999)).boot(100)


def test_a_list_that_fails_for_a_while_is_waited_for() -> None:
    cloud = CheckedCloud()
    cloud.list_fails = lambda: refused(Failure.BUSY, "503.") if cloud.time.now < 50 else None
    one = server(cloud)
    one.boot(100)
    assert cloud.time.now == 50
    cloud.list_fails = lambda: refused(Failure.AUTH, "401.") if cloud.time.now < 80 else None
    one.end(200)
    assert cloud.time.now == 80


def test_a_server_that_does_not_go_is_told_of_with_its_ids_and_who_deletes_it() -> None:
    cloud = CheckedCloud(goes=10**6)
    one = server(cloud)
    one.boot(100)
    with pytest.raises(StepFailed, match=r"not gone.*\(c-0\) may be left: the provisioner deletes it"):
        one.end(200)


def worker(pool: CheckedPool) -> CheckWorker:
    return CheckWorker(pool, pool.uuid, 1000.0, pool.time, pool.time.sleep)


def test_a_worker_joins_and_runs_a_job_that_can_run_nowhere_else() -> None:
    pool = CheckedPool(Time(), UUID)
    one = worker(pool)
    assert one.join(100) == "slot1@here: 1 core, 9 MB"
    assert pool.time.now == 20
    assert one.run(100) == "job 77 has run"
    assert pool.sent == [(UUID, f"worker-for-provisioner+vo-site-check+{UUID}@p", 1000.0)]
    one.take_back()
    one.depart()
    assert (pool.removed, pool.invalidated) == ([77], [UUID])


def test_a_worker_that_never_joins_is_told_of_and_leaves_nothing_to_take_back() -> None:
    pool = CheckedPool(Time(), UUID, joins=10**6)
    one = worker(pool)
    with pytest.raises(StepFailed, match="has not joined the pool in time"):
        one.join(100)
    one.take_back()
    one.depart()
    assert (pool.removed, pool.invalidated) == ([], [])


@pytest.mark.parametrize(
    ("errand", "says"),
    [
        (Errand(True, 1), "with exit code 1"),
        (Errand(True, None), "by a signal"),
        (Errand(held="no such file"), "is held: no such file"),
        (Errand(), "no match was made"),
        (Errand(host="slot1"), "it runs on slot1"),
    ],
)
def test_a_job_that_does_not_run_well_is_a_failure(errand: Errand, says: str) -> None:
    pool = CheckedPool(Time(), UUID, errands=[errand])
    one = worker(pool)
    one.join(100)
    with pytest.raises(StepFailed, match=says):
        one.run(100)


def test_a_report_tells_what_is_ours_and_lets_the_rest_through() -> None:
    lines: list[str] = []
    time = Time()
    report = Report(lines.append, time)
    with report.step("one") as step:
        time.sleep(2.25)
        raise PoolUnavailable("gone")
    assert not step.worked
    with pytest.raises(KeyboardInterrupt), report.step("two"):
        raise KeyboardInterrupt
    report.skip("three")
    assert lines == [
        "FAIL  one             2.2 s  The queue cannot be reached at the moment: try again in a few seconds. (gone)",
        "FAIL  two             0.0 s  interrupted",
        "SKIP  three",
    ]
    assert report.failed == ["one", "two"]
