"""From the ads of workers to the provisioner's own and the room on others."""

from __future__ import annotations

from typing import Any

import pytest

from cloud_provisioner.amounts import NOTHING, Amount
from cloud_provisioner.observing.workers import seen
from cloud_provisioner.servers.record import ANYONE, Binding, Purpose
from cloud_provisioner.servers.states import State
from cloud_provisioner.servers.views import Worker
from pool.attributes import Machine

UUID = "0123456789abcdef" * 2
NOW = 2000.0


def slot(identity: str = f"worker-{UUID}@pool", **more: Any) -> dict[str, Any]:
    return {
        "Name": "slot1@w1",
        "State": "Unclaimed",
        "Cpus": 3,
        "Memory": 6000,
        "Disk": 50 * 1024,
        "TotalSlotCpus": 4,
        "TotalSlotMemory": 8000,
        "TotalSlotDisk": 100.0 * 1024,
        "NumDynamicSlots": 1,
        "AuthenticatedIdentity": identity,
        Machine.SERVER: UUID,
        Machine.CLOUD_ID: "c1",
        Machine.SITE: "A",
        Machine.REGION: "r",
        **more,
    }


def test_a_worker_of_ours_is_seen_with_its_room() -> None:
    view, others, _ = seen([slot()], 500.0, NOW)
    assert view.workers == {UUID: Worker(Amount(4, 8000, 100), Amount(3, 6000, 50), "c1", jobs=1, name="slot1@w1")}
    assert view.up_since == 500.0
    assert others == ()


def test_a_worker_that_drains_takes_no_jobs_until_its_last_one_has_ended_and_after_that() -> None:
    retiring = slot(State="Drained", Draining=True)
    drained = slot(State="Drained", Draining=True, NumDynamicSlots=0)
    for ad, jobs in ((retiring, 1), (drained, 0)):
        view, *_ = seen([ad], 0.0, NOW)
        assert (view.workers[UUID].draining, view.workers[UUID].jobs) == (True, jobs)


def test_who_only_claims_to_be_ours_is_not() -> None:
    # Whoever holds a token for a worker of their own may write anything into its ad, but for who they are.
    for identity in ("worker-for-eve@pool", f"worker-{'f' * 32}@pool", "condor@pool", None):
        view, others, _ = seen([slot(identity=identity)], 0.0, NOW)  # type: ignore[arg-type]
        assert view.workers == {}
        assert len(others) == 1


def test_other_workers_have_room_and_use_nothing() -> None:
    ad = slot("worker-worker1@pool", NumDynamicSlots=0, **{Machine.SERVER: None})
    _, [other], _ = seen([ad], 0.0, NOW)
    assert (other.uuid, other.ours, other.site, other.region, other.state) == ("", False, "A", "r", State.READY)
    assert (other.size, other.room, other.idle_since) == (NOTHING, Amount(3, 6000, 50), NOW)
    assert (other.binding, other.purpose, other.preemptible) == (ANYONE, Purpose.SHARED, False)


def test_other_workers_serve_whom_their_identity_names() -> None:
    bound = slot("worker-for-ann@pool", **{Machine.SERVER: None})
    group = slot(f"worker-vo-fusion+{'f' * 32}@pool", **{Machine.PURPOSE: "own", Machine.PREEMPTIBLE: True})
    _, others, _ = seen([bound, group], 0.0, NOW)
    assert [other.binding for other in others] == [Binding("ann"), Binding(None, "fusion")]
    assert [(other.purpose, other.preemptible) for other in others] == [(Purpose.SHARED, False), (Purpose.OWN, True)]
    # One that has a job is not whole.
    assert [other.idle_since for other in others] == [None, None]


def test_other_workers_that_drain_have_no_room() -> None:
    assert seen([slot("worker-for-ann@pool", Draining=True)], 0.0, NOW)[1] == ()


def test_of_two_servers_with_one_uuid_the_one_with_jobs_counts() -> None:
    idle, busy = slot(NumDynamicSlots=0), slot(**{Machine.CLOUD_ID: "c2", "Name": "slot1@w2"})
    for ads in ([idle, busy], [busy, idle]):
        assert seen(ads, 0.0, NOW)[0].workers[UUID].cloud_id == "c2"
    both = [idle, slot(NumDynamicSlots=0, **{Machine.CLOUD_ID: "c0"})]
    assert {seen(ads, 0.0, NOW)[0].workers[UUID].cloud_id for ads in (both, both[::-1])} == {"c0"}


@pytest.mark.parametrize("odd", [float("inf"), float("-inf"), float("nan"), -5, 1e300, 10**30, "4", [4], None])
@pytest.mark.parametrize("attribute", ["Cpus", "Memory", "Disk", "TotalSlotCpus", "NumDynamicSlots"])
def test_no_number_in_an_ad_hides_the_workers(attribute: str, odd: object) -> None:
    eves = slot("worker-for-eve@pool", **{attribute: odd, Machine.SERVER: None})
    view, [other], _ = seen([eves, slot()], 0.0, NOW)
    assert view.workers[UUID].total == Amount(4, 8000, 100)
    assert all(0 <= number <= 1 << 40 for number in other.room)


@pytest.mark.parametrize("attribute", ["Name", Machine.SITE, Machine.REGION, Machine.CLOUD_ID])
def test_what_is_no_text_counts_as_none(attribute: str) -> None:
    eves: dict[str, Any] = {attribute: [1]}
    ours: dict[str, Any] = {attribute: 7}
    view, [other], odd = seen([slot("worker-for-eve@pool", **eves), slot(**ours)], 0.0, NOW)
    assert (other.site, other.region).count("") == (attribute in (Machine.SITE, Machine.REGION))
    assert (view.workers[UUID].name, view.workers[UUID].cloud_id).count("") == (attribute in ("Name", Machine.CLOUD_ID))
    assert odd == []


def test_a_worker_whose_ad_cannot_be_read_is_left_out_alone_and_named() -> None:
    view, others, odd = seen([slot(7, Name="slot1@odd"), slot()], 0.0, NOW)  # type: ignore[arg-type]
    assert (list(view.workers), others, odd) == ([UUID], (), ["slot1@odd"])
