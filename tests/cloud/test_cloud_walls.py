"""Servers to which nobody can connect, as most are: private addresses, firewalls."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest

from deploy import nodes
from deploy.home import POOL_PORT
from tests.cloud.house import House, until
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.hypervisor import Fault, set_faults

pytestmark = pytest.mark.timeout(300)
HERE = {"placement": {"requirements": {"sites": ["A"]}}}


def ways(house: House) -> str:
    """What a worker connects to: the pool's head, the API, and where images are."""
    settings, image = house.instance.settings, urlsplit(house.image)
    return f"{settings.address(1)}:{POOL_PORT} {settings.host}:{settings.port} {image.hostname}:{image.port}"


def addresses(house: House) -> Sequence[str]:
    """Where the workers say they are to be reached."""
    return nodes.run_on_head(house.head, ["condor_status", "-af", "MyAddress"]).split()


def test_a_worker_to_which_nobody_can_connect_runs_jobs_and_is_drained_and_deleted(house: House, cloud: Cloud) -> None:
    set_faults(cloud.place, Fault("build", "walled", ways(house)))
    house.describe("A", cloud.place, keep_alive=600)
    provisioner = house.start()
    alice = house.user()
    began = time.monotonic()
    first = house.submit(alice, "echo there", policies=HERE)
    shown = alice.wait(first, seconds=120)
    assert shown["status"] == "completed", (shown, provisioner.said())
    assert alice.stdout(first) == "there\n"
    print(f"from POST to completed: {time.monotonic() - began:.1f} s")
    (machine,) = set(nodes.run_on_head(house.head, ["condor_status", "-af", "Machine"]).split())
    found = addresses(house)
    assert all("CCBID=" in one for one in found), found
    host, port = re.search(r"<([\d.]+):(\d+)", found[0]).groups()  # type: ignore[union-attr]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 5)
    second = house.submit(alice, "sleep 5", policies=HERE)
    alice.wait(second, "running")
    house.admin("drain", "--site", "A")
    until(lambda: "true" in nodes.run_on_head(house.head, ["condor_status", "-af", "Draining"]), why=provisioner.said)
    assert alice.wait(second)["status"] == "completed"
    until(lambda: not house.records() and not house.workers(), why=lambda: (house.records(), provisioner.said()))
    # Another worker may have begun for the second job while the first one's slot was let go: it may be deleted unjoined.
    assert f"{machine} could not be drained" not in provisioner.said(), provisioner.said()
    provisioner.stop()


def test_a_worker_that_is_wrongly_said_to_be_reachable_gets_no_job(house: House, cloud: Cloud) -> None:
    """So the wall of the test above is one."""
    set_faults(cloud.place, Fault("build", "walled", ways(house)))
    house.describe("A", cloud.place, keep_alive=600, reachable=True)
    provisioner = house.start()
    alice = house.user()
    number = house.submit(alice, policies=HERE)
    until(house.workers, 120, provisioner.said)
    time.sleep(10)
    assert alice.describe(number)["status"] in ("idle", "deploying"), provisioner.said()
    provisioner.stop()
