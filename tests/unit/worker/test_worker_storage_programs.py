"""What the mount programs are started with. Small scripts stand in their places; the real one is tried in tests/pool."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.worker.storage_support import SECRET, b2drop, onedata, webdav
from worker.scratch import Scratch
from worker.storage import programs
from worker.storage.errors import StorageMountError, StorageUnsupportedError
from worker.storage.programs import Place, program


@pytest.fixture
def place(scratch: Scratch) -> Place:
    made = Place.of(scratch)
    made.create()
    return made


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in which alone programs are looked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(programs, "TOOL_PATH", f"{folder}:{os.defpath}")
    return folder


def install(folder: Path, name: str, script: str = "") -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_rclone_finds_its_remote_in_its_environment_and_no_secret_in_its_arguments(
    installed: Path, place: Place
) -> None:
    install(installed, "rclone", 'read -r password; echo "$1-$2-hidden-$password"')
    made = program(webdav("https://h/d"), place)
    assert made.env["RCLONE_CONFIG_STORAGE_PASS"] == f"obscure---hidden-{SECRET}"
    assert made.env["RCLONE_CONFIG_STORAGE_URL"] == "https://h/d"
    assert made.env["RCLONE_CONFIG_STORAGE_USER"] == "ada"
    assert made.env["RCLONE_CONFIG"] == ""
    assert made.argv[:4] == ["rclone", "mount", "storage:", str(place.mount)]
    assert SECRET not in " ".join(made.argv)
    assert "ada" not in made.argv


def test_b2drop_is_a_nextcloud(installed: Path, place: Place) -> None:
    install(installed, "rclone", "echo x")
    made = program(b2drop(), place)
    assert made.env["RCLONE_CONFIG_STORAGE_VENDOR"] == "nextcloud"
    assert made.env["RCLONE_CONFIG_STORAGE_URL"] == "https://b2drop.eudat.eu/remote.php/webdav/"


def test_oneclient_finds_its_token_in_its_environment(installed: Path, place: Place) -> None:
    install(installed, "oneclient")
    made = program(onedata(), place)
    assert (made.argv[0], made.argv[-1]) == ("oneclient", str(place.mount))
    assert SECRET not in " ".join(made.argv)
    assert made.env["ONECLIENT_ACCESS_TOKEN"] == SECRET
    assert made.env["ONECLIENT_PROVIDER_HOST"] == "p.example.eu"


def test_nothing_of_the_executors_environment_is_passed_on(
    installed: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(installed, "rclone", "echo x")
    install(installed, "oneclient")
    monkeypatch.setenv("RCLONE_CONFIG_STORAGE_LEAK", "leaked")
    for storage in (webdav(), onedata()):
        assert "leaked" not in program(storage, place).env.values()


def test_a_program_that_is_not_installed_is_named(installed: Path, place: Place) -> None:
    with pytest.raises(StorageUnsupportedError, match="oneclient is not installed there"):
        program(onedata(), place)


def test_a_password_that_rclone_does_not_take_is_a_failure_without_it(installed: Path, place: Place) -> None:
    install(installed, "rclone", "cat >&2; exit 1")
    with pytest.raises(StorageMountError) as raised:
        program(webdav(), place)
    assert SECRET not in raised.value.message


def test_what_an_earlier_run_left_is_not_taken_over(place: Place) -> None:
    (place.cache / "old").write_text("")
    place.create()
    assert list(place.cache.iterdir()) == []
    assert (place.root.stat().st_mode & 0o777) == 0o700
