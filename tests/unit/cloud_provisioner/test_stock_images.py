"""What user data does to a stock image, with stand-ins of the programs that would change this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cloud_provisioner.contextualisation import WorkerFacts, render

FACTS = WorkerFacts("prominence", "192.0.2.1", 29618, "0123456789abcdef" * 2, "EXAMPLE-A", "e30.e30.c2ln")
MIRRORS = "mirror+file:/etc/apt/mirrors/"
# Each notes how it was called, and fails where there is a file that says so. What apt-get has installed is there then.
STAND_IN = """#!/bin/sh
name=$(basename "$0")
echo "$name $*" >>"{folder}/calls"
case "$*" in indextargets*) printf '%s\\n' {targets} ;; esac
[ ! -e "{folder}/$name.fails" ] || [ "$1" != install ] || exit 100
"""
PROGRAMS = ("condor_master", "apptainer", "proot", "curl", "rclone", "fusermount3", "iptables", "ip6tables", "udocker")
INITRAMFS = "# a comment\nupdate_initramfs=yes\nbackup_initramfs=no\n"


class Machine:
    """One with systemd, on which the script completes what is missing: nothing of it is outside a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.etc, self.programs = folder, folder / "etc", folder / "bin"
        for name in ("apt/preferences.d", "apt/sources.list.d", "initramfs-tools"):
            (self.etc / name).mkdir(parents=True)
        self.programs.mkdir()
        (folder / "systemd").mkdir()
        self.boot = self.etc / "initramfs-tools" / "update-initramfs.conf"
        self.boot.write_text(INITRAMFS)
        targets = f"'Debian-Security main {MIRRORS}security.list/' 'Debian main {MIRRORS}debian.list/'"
        for name in ("apt-get", "systemctl", "sleep", "python3", *PROGRAMS):
            (self.programs / name).write_text(STAND_IN.format(folder=folder, targets=targets))
            (self.programs / name).chmod(0o755)

    def fails(self, program: str) -> None:
        (self.folder / f"{program}.fails").touch()

    def complete(self) -> int:
        """Runs what the script does where something is missing; its exit code."""
        script, _, _ = render(FACTS).rpartition("main\n")
        for old, new in (
            ("PATH=", f"PATH={self.programs}:"),
            ("/run/systemd/system", f"{self.folder}/systemd"),
            (">/etc/", f">{self.etc}/"),
            ("=/etc/", f"={self.etc}/"),
            ('install "" ', f"install {self.folder} "),
        ):
            assert old in script
            script = script.replace(old, new)
        (self.folder / "usr/local/bin").mkdir(parents=True, exist_ok=True)
        command = f'{script}complete || power_off "what it lacks could not be installed"\n'
        return subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=False).returncode

    def calls(self, program: str = "") -> list[str]:
        lines = (self.folder / "calls").read_text().splitlines()
        return [line for line in lines if line.startswith(program)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_automatic_updates_are_switched_off_before_anything_is_installed(machine: Machine) -> None:
    assert machine.complete() == 0
    first, second, third = machine.calls()[:3]
    assert (first.split()[1], first.split()[-1]) == ("mask", "condor.service")
    assert {"mask", "--now", "apt-daily.timer", "apt-daily-upgrade.timer"} <= set(second.split())
    assert third.startswith("apt-get update")


def test_unstable_comes_from_the_mirrors_that_the_image_has(machine: Machine) -> None:
    assert machine.complete() == 0
    (line,) = (machine.etc / "apt/sources.list.d/prominence.list").read_text().splitlines()
    assert line.startswith("deb [")
    assert line.endswith(f"] {MIRRORS}debian.list/ sid main")


def test_the_initramfs_is_not_made_anew(machine: Machine) -> None:
    for _ in range(2):
        assert machine.complete() == 0
        assert machine.boot.read_text() == INITRAMFS.replace("=yes", "=no")


def test_an_image_without_initramfs_tools_is_completed_all_the_same(machine: Machine) -> None:
    machine.boot.unlink()
    assert machine.complete() == 0
    assert not machine.boot.exists()


def test_a_machine_on_which_nothing_can_be_installed_powers_itself_off_after_five_tries(machine: Machine) -> None:
    machine.fails("apt-get")
    assert machine.complete() == 1
    assert len(machine.calls("apt-get install")) == 5
    assert machine.calls()[-1] == "systemctl --no-block poweroff"
