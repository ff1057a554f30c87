"""The whole way of a job: from the API to a server of a real cloud, its end, and the end of the server."""

from __future__ import annotations

import time

import pytest

from tests.cloud.house import House, until
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.rules import Orders
from tests.cloud.visitor import Visitor

pytestmark = pytest.mark.timeout(300)


def test_a_job_makes_its_server_appear_runs_there_and_the_server_goes_away(
    house: House, cloud: Cloud, biology: Visitor, orders: Orders
) -> None:
    house.describe("A", cloud.place, region="north")
    provisioner = house.start()
    alice = house.user()
    began = time.monotonic()
    wanted = {"placement": {"requirements": {"regions": ["north"]}}}
    number = house.submit(alice, "sh -c 'echo hello; uname -n'", policies=wanted)
    phases: list[str] = []

    def ended() -> bool:
        shown = alice.describe(number)
        phase = f"{shown['status']}: {shown.get('statusReason', '')}"
        if phase not in phases:
            phases.append(phase)
        return shown["status"] not in ("pending", "idle", "deploying", "running")

    until(ended, why=lambda: (phases, provisioner.said(), house.records()))
    took = time.monotonic() - began
    shown = alice.describe(number)
    assert (shown["status"], shown["execution"]["site"]) == ("completed", "A"), shown
    assert any(phase.startswith("deploying: a worker at A is ") for phase in phases) or any(
        "worker at A" in phase for phase in phases
    ), phases
    print(f"from POST to completed: {took:.1f} s; phases {phases}")
    out = alice.stdout(number).split()
    assert out[0] == "hello"
    print(out)
    until(lambda: not biology.names() and not house.records(), why=lambda: (biology.names(), house.records()))
    gone = time.monotonic() - began - took
    until(lambda: not house.workers())
    print(f"gone after {gone:.1f} s")
    provisioner.stop()
