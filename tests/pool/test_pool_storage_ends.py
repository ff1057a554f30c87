"""Mounted storage that fails, and jobs with mounted storage that are ended: what is said, and that nothing is left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from deploy.instance import Instance
from tests.pool.conftest import User
from tests.pool.slots import of_slots
from tests.pool.storage_support import RUNTIMES, all_is_gone, as_root, exit_codes, process_of, running, server_of, sh
from tests.pool.vacating import vacate
from tests.pool.webdav import WebDav

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def server(instance: Instance) -> Iterator[WebDav]:
    one = server_of(instance, 1)
    one.start()
    yield one
    one.clean()


@pytest.fixture
def mortal(instance: Instance) -> Iterator[WebDav]:
    """A server that is not started yet, and for one test alone."""
    one = server_of(instance, 2)
    yield one
    one.clean()


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"username": "bob"}])
def test_wrong_credentials_fail_the_job_and_it_says_so(
    user: Callable[..., User], instance: Instance, server: WebDav, changes: dict[str, str]
) -> None:
    alice = user()
    shown = alice.wait(alice.submit("true", storage=server.storage(**changes)))
    assert shown["status"] == "failed"
    assert "refused the credentials (401): correct storage.webdav" in shown["statusReason"]
    all_is_gone(instance)


def test_a_server_that_cannot_be_used_fails_the_job_and_it_says_why(
    user: Callable[..., User], instance: Instance, server: WebDav
) -> None:
    alice = user()
    words = {
        server.url.replace("8088", "8089"): "could not be reached from the worker: Connection refused",
        f"{server.url}absent/": f"There is no directory at {server.url}absent/",
        f"{instance.settings.url}/health": "is no WebDAV directory (it answers 405)",
    }
    numbers = {url: alice.submit("true", storage=server.storage(url=url)) for url in words}
    for url, number in numbers.items():
        shown = alice.wait(number)
        assert shown["status"] == "failed"
        assert words[url] in shown["statusReason"], shown
    all_is_gone(instance)


def test_onedata_without_its_program_on_the_worker_is_a_named_failure(user: Callable[..., User]) -> None:
    alice = user()
    storage = {"type": "onedata", "mountpoint": "/data", "onedata": {"provider": "p.example.eu", "token": "T"}}
    shown = alice.wait(alice.submit("true", storage=storage))
    assert shown["status"] == "failed"
    assert "oneclient is not installed there" in shown["statusReason"]


def test_a_server_that_takes_no_files_is_a_named_failure(
    user: Callable[..., User], instance: Instance, mortal: WebDav
) -> None:
    mortal.start("--read-only")
    alice = user()
    shown = alice.wait(alice.submit("", tasks=[sh("echo 1 >/data/lost")], storage=mortal.storage()), seconds=120)
    assert (shown["status"], exit_codes(shown)) == ("failed", [0])
    assert "1 of the files that the job wrote ('lost') could not be stored at" in shown["statusReason"]
    all_is_gone(instance)


def test_a_server_that_died_is_a_named_failure(user: Callable[..., User], instance: Instance, mortal: WebDav) -> None:
    mortal.start()
    alice = user()
    script = "exec 3>/data/lost; echo up; until test -e go; do usleep 50000; done; echo 1 >&3"
    number = running(alice, script, mortal.storage())
    mortal.kill()
    alice.call("POST", f"/jobs/{number}/exec", json={"command": ["touch", "go"]})
    shown = alice.wait(number, seconds=120)
    assert shown["status"] == "failed"
    assert "the server is out of reach (Connection refused)" in shown["statusReason"], shown
    all_is_gone(instance)


@as_root
def test_a_mount_program_that_dies_fails_the_job(user: Callable[..., User], instance: Instance, server: WebDav) -> None:
    alice = user()
    number = running(alice, "echo up; until ! ls /data >/dev/null; do usleep 50000; done", server.storage())
    os.kill(process_of(instance, "rclone mount"), signal.SIGKILL)
    shown = alice.wait(number)
    assert shown["status"] == "failed"
    assert "was lost while the job ran (its mount program was ended by signal 9)" in shown["statusReason"]
    all_is_gone(instance)


@as_root
def test_nothing_is_left_of_an_executor_that_is_killed(
    user: Callable[..., User], instance: Instance, server: WebDav
) -> None:
    alice = user()
    number = running(alice, "touch /data/up; echo up; sleep 600", server.storage())
    before = set(of_slots(instance))
    os.kill(process_of(instance, "worker.pyz"), signal.SIGKILL)
    deadline = time.monotonic() + 20
    while left := before & set(of_slots(instance)):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    alice.call("DELETE", f"/jobs/{number}")
    all_is_gone(instance)


def test_what_a_deleted_job_wrote_has_a_moment_to_arrive(
    user: Callable[..., User], instance: Instance, server: WebDav
) -> None:
    alice = user()
    number = running(alice, "echo kept >/data/kept; echo up; sleep 600", server.storage())
    alice.call("DELETE", f"/jobs/{number}")
    assert alice.wait(number)["status"] == "deleted"
    all_is_gone(instance)
    assert (server.files / "kept").read_text() == "kept\n"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_task_that_waits_for_a_silent_server_can_be_deleted(
    user: Callable[..., User], instance: Instance, mortal: WebDav, runtime: str
) -> None:
    mortal.start()
    alice = user()
    (mortal.files / "late").mkdir()
    script = "echo up; until test -e go; do usleep 50000; done; touch asked; ls /data/late"
    number = running(alice, script, mortal.storage(), runtime=runtime)
    mortal.fall_silent()
    command = "touch go; until test -e asked; do usleep 50000; done; usleep 500000"
    alice.call("POST", f"/jobs/{number}/exec", json={"command": ["sh", "-c", command]})
    alice.call("DELETE", f"/jobs/{number}")
    assert alice.wait(number)["status"] == "deleted"
    all_is_gone(instance)


def test_a_sidecar_that_waits_for_a_silent_server_does_not_keep_the_job_from_its_end(
    user: Callable[..., User], instance: Instance, mortal: WebDav
) -> None:
    mortal.start()
    alice = user()
    (mortal.files / "late").mkdir()
    sidecar = sh("until test -e go; do usleep 50000; done; touch asked; ls /data/late", type="sidecar")
    task = sh("echo up; until test -e asked; do usleep 50000; done; usleep 500000")
    number = alice.submit("", tasks=[sidecar, task], storage=mortal.storage())
    deadline = time.monotonic() + 60
    while alice.call("GET", f"/jobs/{number}/stdout").text != "up\n":
        assert time.monotonic() < deadline, alice.describe(number)
        time.sleep(0.1)
    mortal.fall_silent()
    alice.call("POST", f"/jobs/{number}/exec", json={"command": ["touch", "go"]})
    shown = alice.wait(number)
    assert (shown["status"], exit_codes(shown)) == ("completed", [137, 0])
    all_is_gone(instance)


def test_a_job_that_is_moved_mounts_its_storage_anew(
    user: Callable[..., User], instance: Instance, server: WebDav
) -> None:
    alice, file = user(), server.files / "moved"
    number = running(alice, "date >>/data/moved; echo up; until test -e /data/end; do sleep 1; done", server.storage())
    for runs in (1, 2):
        deadline = time.monotonic() + 60
        while not file.exists() or len(file.read_text().splitlines()) < runs:
            assert time.monotonic() < deadline, alice.describe(number)
            time.sleep(0.1)
        if runs == 1:
            vacate(instance, number)
    (server.files / "end").touch()
    assert alice.wait(number)["status"] == "completed"
    all_is_gone(instance)
