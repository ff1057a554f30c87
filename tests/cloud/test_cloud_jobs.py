"""The whole way of a job: from the API to a server of a real cloud, its end, and the end of the server."""

from __future__ import annotations

import time

import pytest

from tests.cloud.house import House, until
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.visitor import Visitor

pytestmark = pytest.mark.timeout(300)


def test_a_job_makes_its_server_appear_runs_there_and_the_server_goes_away(
    house: House, cloud: Cloud, biology: Visitor
) -> None:
    house.describe("A", cloud.place, region="north")
    provisioner = house.start()
    alice = house.user()
    began = time.monotonic()
    wanted = {"placement": {"requirements": {"regions": ["north"]}}}
    number = house.submit(alice, "uname -n", policies=wanted)
    phases: list[tuple[str, str]] = []

    def ended() -> bool:
        shown = alice.describe(number)
        phase = (shown["status"], shown.get("statusReason", ""))
        if phase not in phases:
            phases.append(phase)
        return shown["status"] not in ("pending", "idle", "deploying", "running")

    until(ended, why=lambda: (phases, provisioner.said(), house.records()))
    print(f"from POST to completed: {time.monotonic() - began:.1f} s: {phases}")
    shown = alice.describe(number)
    assert (shown["status"], shown["execution"]["site"]) == ("completed", "A"), shown
    deploying = [reason for status, reason in phases if status == "deploying"]
    assert deploying
    assert all(reason.startswith("deploying: a worker at A is ") for reason in deploying), phases
    assert alice.stdout(number).startswith("prominence-a-")
    ended_at = time.monotonic()
    until(lambda: not biology.names() and not house.records(), why=lambda: (biology.names(), house.records()))
    until(lambda: not house.workers())
    print(f"nothing of it was left {time.monotonic() - ended_at:.1f} s later")
    provisioner.stop()


def test_a_provisioner_that_is_killed_again_and_again_still_brings_all_jobs_home_and_leaves_nothing(
    house: House, cloud: Cloud, biology: Visitor
) -> None:
    house.describe("A", cloud.place)
    alice = house.user()
    at_a = {"placement": {"requirements": {"sites": ["A"]}}}
    numbers = [house.submit(alice, f"sleep {seconds}", policies=at_a) for seconds in (1, 5, 9)]
    kills = 0

    def through() -> bool:
        ended = all(alice.describe(number)["status"] == "completed" for number in numbers)
        return ended and not biology.names() and not house.records()

    deadline = time.monotonic() + 240
    while not through():
        assert time.monotonic() < deadline, ([alice.describe(number) for number in numbers], house.records())
        running = house.start()
        # From the first cycle on to some seconds later, a bit later each time.
        began = time.monotonic()
        until(lambda: running.acts() and (through() or time.monotonic() - began > 2 + kills % 7), why=running.said)  # noqa: B023
        running.kill()
        kills += 1
    print(f"{kills} kills")
    assert kills >= 4
    until(lambda: not house.workers())
