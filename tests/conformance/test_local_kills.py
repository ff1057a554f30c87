"""Who makes or deletes a local worker is killed before any line: what is left is seen, can be deleted, and then is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

import pytest

from cloud_provisioner.drivers.contract import Order
from cloud_provisioner.drivers.local import calls, servers
from cloud_provisioner.drivers.local.calls import LocalAccount
from cloud_provisioner.drivers.local.schema import LocalSite
from cloud_provisioner.servers.views import Listed, Status
from deploy import appliance
from deploy.home import from_environment

pytestmark = [pytest.mark.pool, pytest.mark.timeout(300)]

PROGRAM = Path(__file__).parent / "dying.py"
STRIDE = 3
"""Every third line of each kind in one run; together the offsets reach all of them."""


class Here:
    """A local site in a folder of the test's."""

    def __init__(self, folder: Path) -> None:
        root = appliance.ensure(from_environment(os.environ).cache, print)
        self.folder = folder / "workers"
        self.text = json.dumps({"name": "here", "driver": "local", "appliance": str(root), "folder": str(self.folder)})
        self.account: LocalAccount = calls.connect(LocalSite.model_validate(json.loads(self.text)), "*", None, {}, 20)

    def order(self) -> Order:
        uuid = uuid4().hex
        return Order(uuid, f"prominence-{uuid}", "tests", calls.FLAVOR, "*", "#!/bin/sh\nexec sleep 600\n")

    def dies(self, what: str, given: str, number: int) -> bool:
        """Whether there was a line to die before."""
        command = [sys.executable, str(PROGRAM), self.text, what, given, str(number)]
        environ = {**os.environ, "PYTHONPATH": str(PROGRAM.parents[2])}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode in (0, -9), done.stderr
        return done.returncode != 0

    def listed(self, uuid: str) -> tuple[Listed, ...]:
        return self.account.listing(0.0).servers.get(uuid, ())

    def is_empty(self, *uuids: str) -> None:
        """Nothing is left in the folder, and within a moment no process and no mount."""
        deadline = time.monotonic() + 10
        while any(uuid.encode() in trace for uuid in uuids for trace in traces()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert {one.name for one in self.folder.iterdir()} <= {".lock"}


def traces() -> Iterator[bytes]:
    """Where a machine of namespaces can be known: command lines and mounts of all processes but this one."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            for name in ("cmdline", "mountinfo"):
                try:
                    yield (folder / name).read_bytes()
                except OSError:
                    continue


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    made = Here(tmp_path)
    made.account.listing(0.0)
    yield made
    for server in servers.servers(made.folder):
        made.account.delete(server.cloud_id)


@pytest.mark.parametrize("offset", range(STRIDE))
def test_a_create_killed_anywhere_leaves_what_is_seen_and_can_be_deleted(here: Here, offset: int) -> None:
    number, uuids, seen = 1 + offset, [], set[Status]()
    while True:
        order = here.order()
        died = here.dies("create", json.dumps(asdict(order)), number)
        found = here.listed(order.uuid)
        assert len(found) <= 1
        assert died or [one.status for one in found] == [Status.ACTIVE]
        for one in found:
            assert (one.service, one.flavor) == ("tests", calls.FLAVOR)
            seen.add(one.status)
            assert here.account.delete(one.cloud_id)
        assert here.listed(order.uuid) == ()
        uuids.append(order.uuid)
        if not died:
            break
        number += STRIDE
    assert number > 20
    assert seen >= {Status.ACTIVE}
    here.account.delete(here.account.create(here.order()))
    here.is_empty(*uuids)


@pytest.mark.parametrize("offset", range(STRIDE))
def test_a_delete_killed_anywhere_is_repeated_until_nothing_is_left(here: Here, offset: int) -> None:
    number, uuids = 1 + offset, []
    while True:
        order = here.order()
        cloud_id = here.account.create(order)
        died = here.dies("delete", cloud_id, number)
        assert {one.cloud_id for one in here.listed(order.uuid)} <= {cloud_id}
        assert here.account.delete(cloud_id)
        assert here.listed(order.uuid) == ()
        uuids.append(order.uuid)
        if not died:
            break
        number += STRIDE
    assert number > 10
    here.is_empty(*uuids)


def test_a_server_that_is_deleted_while_it_is_started_never_lives(here: Here) -> None:
    uuids = []
    for pause in range(20):
        order = here.order()
        child = subprocess.Popen(
            [sys.executable, str(PROGRAM), here.text, "create", json.dumps(asdict(order)), "9999"],
            env={**os.environ, "PYTHONPATH": str(PROGRAM.parents[2])},
            stdout=subprocess.DEVNULL,
        )
        while not (found := here.listed(order.uuid)):
            assert child.poll() is None
        deadline = time.monotonic() + pause / 2000
        while time.monotonic() < deadline:
            pass
        assert here.account.delete(found[0].cloud_id)
        assert child.wait(30) == 0
        uuids.append(order.uuid)
    here.is_empty(*uuids)
