"""Local servers as folders: what is told of them, and addresses that no two have. No machine is started."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cloud_provisioner.drivers.contract import CloudRefused, Order
from cloud_provisioner.drivers.local import calls, servers
from cloud_provisioner.drivers.local.calls import LocalAccount
from cloud_provisioner.drivers.local.schema import LocalSite
from cloud_provisioner.drivers.local.servers import STARTING, Metadata, Server
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import Status
from cloud_provisioner.sites.loading import load
from tests.unit.cloud_provisioner.site_texts import local, write

UUID = "0123456789abcdef" * 2
NOW = 1000.0
METADATA = Metadata(UUID, f"prominence-{UUID}", "tests", "worker", "*", "127.0.5.1", NOW)
ORDER = Order(UUID, f"prominence-{UUID}", "tests", "worker", "*", "#!/bin/sh\n")


@pytest.fixture
def account(tmp_path: Path) -> Callable[..., LocalAccount]:
    """Makes an account whose appliance is a root file system in which nothing can be started."""
    (tmp_path / "appliance" / "usr").mkdir(parents=True)

    def make(**keys: Any) -> LocalAccount:
        text = {
            "name": "here",
            "driver": "local",
            "appliance": str(tmp_path / "appliance"),
            "folder": str(tmp_path / "f"),
        }
        return calls.connect(LocalSite.model_validate(text | keys), "*", None, {}, 5)

    return make


def test_a_server_is_being_made_until_its_process_has_noted_itself(tmp_path: Path) -> None:
    server = servers.make(tmp_path, METADATA, "#!/bin/sh\n")
    assert [one.metadata for one in servers.servers(tmp_path)] == [METADATA]
    assert server.status(NOW + 1) is Status.BUILD
    assert server.status(NOW + STARTING + 1) is Status.ERROR, "who made it was killed"
    (server.folder / "pid").write_text("1 1\n")
    assert server.status(NOW + 1) is Status.STOPPED, "another process has that number"


def test_the_user_data_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        server = servers.make(tmp_path, METADATA, "secret")
    finally:
        os.umask(before)
    assert (server.folder / "pool" / "user-data").stat().st_mode & 0o777 == 0o600
    assert server.folder.stat().st_mode & 0o777 == 0o700


def test_a_ruin_is_an_error_that_can_be_deleted(account: Callable[..., LocalAccount], tmp_path: Path) -> None:
    ruin = tmp_path / "f" / f"{UUID}-00000000"
    ruin.mkdir(parents=True)
    (ruin / "metadata.json").write_text("{")
    (listed,) = account().listing(1.0).servers[UUID]
    assert (listed.status, listed.cloud_id) == (Status.ERROR, ruin.name)
    assert account().delete(ruin.name)
    assert account().listing(1.0).servers == {}


def test_what_is_no_server_in_the_folder_is_none(account: Callable[..., LocalAccount], tmp_path: Path) -> None:
    (tmp_path / "f" / "lost+found").mkdir(parents=True)
    (tmp_path / "f" / "notes").touch()
    assert account().listing(1.0).servers == {}
    assert account().delete("notes")
    assert account().delete("lost+found")
    assert len(list((tmp_path / "f").iterdir())) == 2


def test_no_two_servers_have_one_address(tmp_path: Path, account: Callable[..., LocalAccount]) -> None:
    made = account(addresses="127.0.5.1-127.0.5.8")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(made.create, [replace(ORDER, uuid=f"{number:032x}") for number in range(8)]))
    there = [one.metadata for one in servers.servers(tmp_path / "f")]
    assert {one.address for one in there if one} == {f"127.0.5.{number}" for number in range(1, 9)}
    with pytest.raises(CloudRefused, match="addresses") as raised:
        made.create(ORDER)
    assert raised.value.failure is Failure.QUOTA
    for server in servers.servers(tmp_path / "f"):
        assert made.delete(server.cloud_id)


def test_an_address_is_free_again_when_its_server_is_gone(account: Callable[..., LocalAccount]) -> None:
    made = account(addresses="127.0.5.1-127.0.5.1")
    first = made.create(ORDER)
    assert made.delete(first)
    assert made.delete(made.create(ORDER))


def test_a_uuid_that_is_none_leads_nowhere(account: Callable[..., LocalAccount], tmp_path: Path) -> None:
    with pytest.raises(CloudRefused) as raised:
        account().create(replace(ORDER, uuid="../../etc"))
    assert raised.value.failure is Failure.BAD_REQUEST


def test_without_an_appliance_the_key_is_named(account: Callable[..., LocalAccount]) -> None:
    calls_of: tuple[Callable[[LocalAccount], object], ...] = (lambda one: one.offer(), lambda one: one.create(ORDER))
    for call in calls_of:
        with pytest.raises(CloudRefused, match="`appliance`") as raised:
            call(account(appliance="/nowhere"))
        assert raised.value.failure is Failure.BAD_REQUEST


def test_a_folder_that_cannot_be_read_is_no_empty_list(account: Callable[..., LocalAccount], tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a file")
    with pytest.raises(CloudRefused, match="`folder`"):
        account().listing(1.0)


def test_a_folder_that_another_one_holds_is_busy(account: Callable[..., LocalAccount], tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    made = account()
    made._patience = 0.1
    with servers.alone(tmp_path / "f", 1), pytest.raises(CloudRefused) as raised:
        made.create(ORDER)
    assert raised.value.failure is Failure.BUSY


def test_what_a_killed_create_began_is_swept_by_the_next(tmp_path: Path) -> None:
    (tmp_path / f".new-{UUID}-00000000").mkdir()
    servers.make(tmp_path, METADATA, "")
    assert len(list(tmp_path.iterdir())) == 1


def test_all_servers_of_a_site_are_removed_together(tmp_path: Path) -> None:
    servers.make(tmp_path, METADATA, "")
    (tmp_path / f".gone-{UUID}-00000000").mkdir()
    (tmp_path / "notes").touch()
    assert servers.remove_all(tmp_path, 5)
    assert {one.name for one in tmp_path.iterdir()} <= {"notes", ".lock"}
    assert servers.remove_all(tmp_path / "nowhere", 5)


def test_a_session_of_somebody_else_is_not_ended(tmp_path: Path) -> None:
    server: Server = servers.make(tmp_path, METADATA, "")
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        try:
            (server.folder / "pid").write_text(f"{stranger.pid} 1\n")
            assert servers.remove(tmp_path, server.cloud_id, 1)
            assert stranger.poll() is None
        finally:
            stranger.kill()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("addresses", "127.0.0.1"),
        ("addresses", "127.0.0.9-127.0.0.1"),
        ("addresses", "10.0.0.1-10.0.0.2"),
        ("addresses", "127.0.0.1-127.9.0.1"),
        ("addresses", "127.0.0.1-127.0.0.2-127.0.0.3"),
        ("folder", "/a b"),
        ("images", "/a:b"),
        ("appliance", "/a,b"),
    ],
)
def test_a_description_that_cannot_be_used_says_which_key(tmp_path: Path, key: str, value: str) -> None:
    text = write(tmp_path, {"a.yaml": local("A", **{key: value})})
    (problem,) = load([text]).problems
    assert problem.key == key
    with pytest.raises(ValidationError):
        LocalSite.model_validate({"name": "A", "driver": "local", "appliance": "/a", "folder": "/f", key: value})
