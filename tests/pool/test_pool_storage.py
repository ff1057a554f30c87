"""Mounted storage on a real worker, from a real WebDAV server: what jobs see of it, and what arrives."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy import nodes
from deploy.instance import Instance
from tests.pool.conftest import User
from tests.pool.seeing import head_of
from tests.pool.slots import of_slots
from tests.pool.storage_support import (
    RUNTIMES,
    all_is_gone,
    as_root,
    exit_codes,
    mounts,
    process_of,
    running,
    server_of,
    sh,
)
from tests.pool.webdav import PASSWORD, WebDav
from tests.pool.workers import pool_of, worker_of

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def server(instance: Instance) -> Iterator[WebDav]:
    one = server_of(instance, 0)
    one.start()
    yield one
    one.clean()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_tasks_and_sidecars_share_the_storage_and_what_they_write_is_at_the_server(
    user: Callable[..., User], instance: Instance, server: WebDav, runtime: str
) -> None:
    alice, name = user(), f"of-{runtime}"
    (server.files / name).write_text("from the server\n")
    folder = f"/data/{name}.d"
    sidecar = sh(f"until test -e {folder}; do usleep 50000; done; echo side >{folder}/side; sleep 600", type="sidecar")
    write = sh(
        f"cat /data/{name}; mkdir {folder}; echo one >{folder}/one; : >{folder}/empty; "
        f"until test -e {folder}/side; do usleep 50000; done",
        runtime=runtime,
    )
    edit = sh(
        f"cat {folder}/one; echo two >>{folder}/one; printf X | dd of={folder}/one conv=notrunc 2>/dev/null; "
        f"mv {folder}/one {folder}/two; rm /data/{name}; dd if=/dev/zero of={folder}/large bs=1M count=20 2>/dev/null",
        runtime=runtime,
    )
    number = alice.submit("", tasks=[{**sidecar, "runtime": runtime}, write, edit], storage=server.storage())
    shown = alice.wait(number)
    assert (shown["status"], exit_codes(shown)[1:]) == ("completed", [0, 0]), shown
    assert alice.stdout(number) == "from the server\none\n"
    there = {path.name: path.stat().st_size for path in (server.files / f"{name}.d").iterdir()}
    assert there == {"side": 5, "empty": 0, "two": 8, "large": 20 * 2**20}
    assert (server.files / f"{name}.d/two").read_text() == "Xne\ntwo\n"
    assert not (server.files / name).exists()
    assert shown["execution"]["stageInTime"] > 0
    all_is_gone(instance)


def test_many_files_are_all_stored_before_the_job_has_ended(
    user: Callable[..., User], instance: Instance, server: WebDav
) -> None:
    alice = user()
    script = "mkdir /mnt/deep/er/many; for i in $(seq 150); do echo $i >/mnt/deep/er/many/$i; done; exit 3"
    shown = alice.wait(alice.submit("", tasks=[sh(script)], storage=server.storage("/mnt/deep/er")))
    assert (shown["status"], exit_codes(shown)) == ("completed", [3])
    assert {path.name: path.read_text() for path in (server.files / "many").iterdir()} == {
        str(i): f"{i}\n" for i in range(1, 151)
    }
    all_is_gone(instance)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_commands_in_the_running_job_see_the_storage(
    user: Callable[..., User], instance: Instance, server: WebDav, runtime: str
) -> None:
    alice = user()
    (server.files / "seen").write_text("seen by a command\n")
    number = running(alice, "echo up; sleep 600", server.storage("/home/user/data"), runtime=runtime)
    done = alice.call("POST", f"/jobs/{number}/exec", json={"command": ["cat", "data/seen"]})
    assert done.text == "seen by a command\n"
    assert len({line.split(" ")[2] for line in mounts(instance)}) == 1
    alice.call("DELETE", f"/jobs/{number}")
    assert alice.wait(number)["status"] == "deleted"
    all_is_gone(instance)


@as_root
def test_the_password_is_nowhere_but_in_the_jobs_own_file_and_in_the_mount_program(
    user: Callable[..., User], instance: Instance, server: WebDav
) -> None:
    alice = user()
    number = running(alice, "env >seen; cat /proc/*/environ >>seen; echo up; sleep 600", server.storage())
    lines = "\n".join(of_slots(instance).values())
    assert "rclone mount" in lines
    environment = Path(f"/proc/{process_of(instance, 'rclone mount')}/environ").read_bytes()
    hidden = dict(part.partition(b"=")[::2] for part in environment.split(b"\0"))[b"RCLONE_CONFIG_STORAGE_PASS"]
    assert hidden
    scratch = next((pool_of(worker_of(instance, alice, number)) / "execute").glob("dir_*"))
    told = json.dumps(alice.describe(number))
    ad = nodes.run_on_head(head_of(instance), ["condor_q", "-name", "prominence@", "-long", str(number)])
    assert f"ClusterId = {number}\n" in ad
    files = [scratch / "home/seen", scratch / "executor.log", scratch / "report.json", scratch / ".storage/log"]
    texts = [lines, told, ad, *(file.read_text(errors="replace") for file in files)]
    for secret in (PASSWORD, hidden.decode()):
        assert [text for text in texts if secret in text] == []
    assert '"password": "[redacted]"' in told
    clone = alice.call("PUT", f"/jobs/{number}/clone").json()["id"]
    alice.call("DELETE", f"/jobs/{number}")
    deadline = time.monotonic() + 60
    while alice.call("GET", f"/jobs/{clone}/stdout").text != "up\n":
        assert time.monotonic() < deadline, alice.describe(clone)
        time.sleep(0.1)
    alice.call("DELETE", f"/jobs/{clone}")
    all_is_gone(instance)
