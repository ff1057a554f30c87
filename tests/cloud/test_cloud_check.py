"""`sites check` at a real cloud, beside a provisioner: each step with its time, and nothing left."""

from __future__ import annotations

import re

import pytest

from tests.cloud.house import House, until
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.hypervisor import Fault, set_faults
from tests.cloud.visitor import Visitor

pytestmark = pytest.mark.timeout(300)
READING = ["description", "credential", "image", "flavors", "network", "quota", "list", "pool"]
STEPS = [*READING, "boot", "join", "job", "delete"]
_LINE = re.compile(r"(PASS|FAIL|SKIP)  (\w+)(?: +([\d.]+) s  (\S.*))?")


def steps(printed: str) -> dict[str, tuple[str, str]]:
    """Step -> how it went, and what was found."""
    lines = [_LINE.fullmatch(line) for line in printed.splitlines()]
    assert all(lines), printed
    return {line[2]: (line[1], line[4] or "") for line in lines if line}


def test_a_site_that_works_passes_every_step_and_is_left_as_it_was(
    house: House, cloud: Cloud, biology: Visitor
) -> None:
    house.describe("A", cloud.place)
    provisioner = house.start()
    until(provisioner.acts, why=provisioner.said)
    printed = house.admin("sites", "check", "A")
    print(printed)
    found = steps(printed)
    assert list(found) == STEPS
    assert {how for how, _ in found.values()} == {"PASS"}
    assert found["image"][1].startswith("prominence-worker (")
    assert biology.names() == []
    until(lambda: not house.workers() and not house.records(), why=house.records)
    provisioner.stop()


def test_a_site_whose_servers_never_join_fails_there_and_its_server_is_deleted(
    house: House, cloud: Cloud, biology: Visitor
) -> None:
    house.describe("A", cloud.place)
    house.start().stop()
    set_faults(cloud.place, Fault("build", "deaf"))
    printed = house.admin("sites", "check", "A", "--timeout", "10", status=1)
    found = steps(printed)
    assert [name for name, (how, _) in found.items() if how != "PASS"] == ["join", "job"], printed
    assert found["join"][1].startswith("The worker has not joined the pool in time: look at the server's console"), (
        printed
    )
    assert found["delete"] == ("PASS", "the cloud does not have it any more")
    assert biology.names() == []


def test_what_is_wrong_with_a_site_is_told_piece_by_piece_and_nothing_is_booted(
    house: House, cloud: Cloud, biology: Visitor
) -> None:
    house.describe("A", cloud.place, image={"name": "gone"}, networks=["nowhere"])
    house.start().stop()
    found = steps(house.admin("sites", "check", "A", status=1))
    assert [name for name, (how, _) in found.items() if how == "FAIL"] == ["image", "network"]
    assert found["flavors"] == ("SKIP", "what has failed at image is needed for it")
    assert found["boot"][0] == "SKIP"
    assert "`image.name`" in found["image"][1]
    assert "`networks`" in found["network"][1]
    assert biology.names() == []
