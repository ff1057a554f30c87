"""What tests of mounted storage need: jobs that use it, and what of it is on the workers."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from deploy import appliance
from deploy.instance import Instance
from tests.pool.conftest import MIRROR, Document, User
from tests.pool.slots import nothing_is_left, of_slots
from tests.pool.webdav import WebDav
from tests.pool.workers import everything

BUSYBOX = "/images/busybox"
RUNTIMES = ["singularity", "udocker"]
as_root = pytest.mark.skipif(os.getuid() != 0, reason="an ordinary user has no power over the accounts of slots")


def server_of(instance: Instance, number: int) -> WebDav:
    """A WebDAV server for the instance, on an address of its own; it is not started."""
    root = appliance.ensure(instance.settings.cache, print)
    folder = instance.home.path / f"webdav{number}"
    return WebDav(root, folder, instance.settings.address(MIRROR + 20 + number))


def sh(script: str, **more: Any) -> Document:
    """A task that runs a script in the example image."""
    return {"image": BUSYBOX, "cmd": f"sh -c '{script}'", **more}


def exit_codes(shown: Document) -> list[int]:
    return [task["exitCode"] for task in shown["execution"]["tasks"]]


def mounts(instance: Instance) -> list[str]:
    """The FUSE mounts in any mount namespace of the workers."""
    found: list[str] = []
    for pid in everything(instance):
        try:
            lines = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
        except OSError:
            continue
        found += [line for line in lines if " - fuse" in line]
    return found


def all_is_gone(instance: Instance) -> None:
    """Waits until the workers have no process of a job, and sees that they have no mount of one either."""
    nothing_is_left(instance)
    assert mounts(instance) == []


def running(user: User, script: str, storage: Document, **task: Any) -> int:
    """The id of a job that has said "up" by `script`."""
    number = user.submit("", tasks=[sh(script, **task)], storage=storage)
    deadline = time.monotonic() + 60
    while user.call("GET", f"/jobs/{number}/stdout").text != "up\n":
        shown = user.describe(number)
        assert time.monotonic() < deadline, shown
        assert shown["status"] in ("idle", "running"), shown
        time.sleep(0.1)
    return number


def process_of(instance: Instance, words: str) -> int:
    """The one process of a slot with these words in its command line."""
    found = [pid for pid, line in of_slots(instance).items() if words in line]
    assert len(found) == 1, of_slots(instance)
    return found[0]
