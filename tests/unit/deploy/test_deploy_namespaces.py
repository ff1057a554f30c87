"""Machines of namespaces as command lines, folders that are deleted whole, and private files."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

from deploy.files import write_private
from deploy.namespaces import Machine, as_root, remove_tree

MACHINE = Machine("worker1", Path("/cache/appliance"), Path("/home/nodes/worker1/pool"))


def arguments(machine: Machine) -> list[str]:
    """What enter.sh is given: LOWER DISK POOL NAME USER BINDS -- COMMAND..."""
    words = machine.command(["condor_q", "-constraint", 'Owner == "a b"'])
    return words[next(place for place, word in enumerate(words) if word.endswith("enter.sh")) + 1 :]


def test_a_machine_is_entered_with_its_folders_and_its_command() -> None:
    binds = {Path("/home/images"): "/images:ro", Path("/home/sandboxes"): "/home/sandboxes"}
    machine = replace(MACHINE, disk=Path("/home/nodes/worker1/disk"), binds=binds)
    assert arguments(machine) == [
        "/cache/appliance",
        "/home/nodes/worker1/disk",
        "/home/nodes/worker1/pool",
        "worker1",
        "root",
        "/home/images=/images:ro /home/sandboxes=/home/sandboxes",
        "--",
        *["condor_q", "-constraint", 'Owner == "a b"'],
    ]


def test_a_machine_without_a_disk_writes_nothing_and_a_services_machine_has_no_root() -> None:
    words = arguments(replace(MACHINE, service=True))
    assert (words[1], words[4], words[5]) == ("-", "service", "")


def test_a_machine_has_namespaces_of_its_own_and_ends_with_its_starter() -> None:
    words = MACHINE.command(["true"])
    assert {"--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"} <= set(words)
    assert "--net" not in words


def test_a_folder_is_deleted_with_all_in_it_and_nothing_that_a_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "gone" / "deep").mkdir(parents=True)
    (tmp_path / "gone" / "link").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "gone")
    remove_tree(tmp_path / "gone")
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept"]


def test_what_builds_root_file_systems_runs_as_root_of_its_own_folder(tmp_path: Path) -> None:
    asked = "id -u; chown 0:0 file && chown 1:1 file && rm file"
    (tmp_path / "file").touch()
    done = subprocess.run(
        as_root(["sh", "-c", asked]), cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")


def test_a_private_file_is_replaced_whole_and_never_readable_by_others(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    before = os.umask(0)
    try:
        write_private(file, "a long first content")
        with file.open() as reader:
            write_private(file, "second")
            assert reader.read() == "a long first content"
    finally:
        os.umask(before)
    assert file.read_text() == "second"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
