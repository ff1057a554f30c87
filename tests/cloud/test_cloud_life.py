"""Clouds of the tests live side by side, and leave nothing behind."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.cloud.openstack import people, processes
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.place import SERVICES
from tests.cloud.visitor import Visitor

pytestmark = pytest.mark.timeout(400)

ROOT = Path(__file__).parents[2]


def test_two_clouds_know_nothing_of_each_other(cloud: Cloud, other_cloud: Cloud, biology: Visitor) -> None:
    there = Visitor(other_cloud.place, people.member(other_cloud.place, "biology"))
    server = biology.until(biology.boot("here"), "ACTIVE")
    assert there.names() == []
    assert not there.knows(server)
    token = {"X-Auth-Token": biology.session.get_token()}
    answers = [
        requests.get(f"{each.place.url('compute')}/servers", headers=token, timeout=30) for each in (cloud, other_cloud)
    ]
    assert [answer.status_code for answer in answers] == [200, 401]


def test_what_a_killed_start_has_left_is_ended_by_the_next_one(expendable: Cloud, cloud: Cloud) -> None:
    place = expendable.place
    command = [sys.executable, "-m", "tests.cloud.openstack", "start", str(place.folder), str(place.number)]
    starting = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (place.run / "image.pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    starting.send_signal(signal.SIGKILL)
    starting.wait(10)
    # As when it was killed just before this one was noted.
    (place.run / "image.pid").unlink()
    assert processes.running(place)
    expendable.start(print)
    assert len(named_in_arguments(place.run)) == len(SERVICES) + 1
    visitor = Visitor(place, people.member(place, "biology"))
    server = visitor.until(visitor.boot("one"), "ACTIVE")
    assert server.id in processes.running(place)
    expendable.clean()
    assert not place.folder.exists()
    assert named_in_arguments(place.folder) == []


def named_in_arguments(folder: Path) -> list[str]:
    """Command lines of the processes that name something in a folder."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines.append(file.read_text(errors="replace").replace("\0", " "))
    return [line for line in lines if f"{folder}/" in line]
