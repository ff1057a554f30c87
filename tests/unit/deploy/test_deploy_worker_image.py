"""The image of workers: what its recipe promises, and that it is made whole or not at all. A stand-in builds its parts."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy import appliance, disk, worker_image, worker_root
from deploy.errors import DeployError
from deploy.packages import PACKAGES
from tests.unit.deploy.conftest import Archive

pytestmark = pytest.mark.timeout(120)
SCRIPT = disk.script("a-label")


def included(recipe: list[str]) -> set[str]:
    (packages,) = (word.removeprefix("--include=") for word in recipe if word.startswith("--include="))
    return set(packages.split(","))


def test_it_has_what_the_appliance_has_and_what_boots() -> None:
    recipe = worker_root.recipe()
    assert included(recipe) == {*PACKAGES, *worker_root.BOOTING}
    there = [step for step in appliance.recipe() if not step.startswith("--include=")]
    assert [step for step in recipe if step in there] == there


def test_its_own_hook_sees_what_the_appliances_hooks_made() -> None:
    hooks = [step for step in worker_root.recipe() if step.startswith("--customize-hook")]
    assert "condor.service" in hooks[-1]
    assert appliance.recipe()[-3] == hooks[-2]


def test_every_program_that_the_user_data_looks_for_has_its_package() -> None:
    """A package is named like its program, or it is one of these."""
    packages = {"condor_master": "condor", "fusermount3": "fuse3", "ip6tables": "iptables"}
    template = Path(worker_root.__file__).parents[1] / "templates" / "worker" / "user-data.sh.j2"
    listed = re.search(r"for program in (.*); do", template.read_text())
    assert listed
    wanted = {packages.get(program, program) for program in listed[1].split()}
    assert wanted - included(worker_root.recipe()) == {"udocker"}


@pytest.mark.parametrize("step", [step for step in worker_root.recipe() if step.startswith("--customize-hook")])
def test_its_hooks_are_shell(step: str) -> None:
    subprocess.run(["sh", "-nc", step.partition("=")[2]], check=True, timeout=10)


def test_cloud_init_is_told_of_openstack_and_runs_the_script_on_the_whole_disk() -> None:
    told = yaml.safe_load(worker_root.CLOUD)
    assert {"ConfigDrive", "OpenStack"} <= set(told["datasource_list"])
    assert told["users"] == []
    assert "growpart" in told["cloud_init_modules"]
    assert told["cloud_init_modules"].index("growpart") < told["cloud_init_modules"].index("resizefs")
    assert told["cloud_final_modules"][0] == "scripts_user"


def test_the_disks_script_is_shell() -> None:
    subprocess.run(["sh", "-nc", SCRIPT], check=True, timeout=10)


def test_boot_loader_and_kernel_look_for_the_label_that_the_file_system_has() -> None:
    assert re.findall(r"-L (\S+)|LABEL=(\S+)|fs_label (\S+)", SCRIPT) == [
        ("a-label", "", ""),
        ("", "", "a-label"),
        ("", "a-label", ""),
    ]


def test_the_file_system_fills_its_partition() -> None:
    found = re.search(r"start=(\d+)(?s:.*)offset=(\d+) -d /srv disk (\d+)k", SCRIPT)
    assert found
    sector, offset, kilobytes = map(int, found.groups())
    assert offset == sector * 512
    assert offset + kilobytes * 1024 == disk.SIZE * 1024 * 1024


def test_the_file_name_in_the_command_that_uploads_is_one_word() -> None:
    words = shlex.split(worker_image.upload(Path("/a folder/it's.qcow2")))
    assert words[:3] == ["openstack", "image", "create"]
    assert words[words.index("--file") + 1] == "/a folder/it's.qcow2"
    assert int(words[words.index("--min-disk") + 1]) * 1024 >= disk.SIZE


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert worker_image.main([str(tmp_path / "none" / "worker.qcow2")]) == 1
    assert f"{tmp_path}/none/worker.qcow2 cannot be made" in capsys.readouterr().err


def test_an_image_that_cannot_be_made_leaves_the_old_one(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in's tools are an empty folder, in which nothing can be run."""
    archive.update()
    program = tmp_path / "bin" / "mmdebstrap"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\nfor word; do case $word in *.partial) mkdir -p "$word/srv" "$word/mnt" "$word/dev" ;; esac; done\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    image = tmp_path / "worker.qcow2"
    image.write_text("the old one")
    for _ in range(2):
        with pytest.raises(DeployError, match=r"could not be made: .*chroot"):
            worker_image.make(image, tmp_path / "cache")
    assert image.read_text() == "the old one"
    assert not (tmp_path / ".worker.qcow2.partial").exists()
    assert {
        path.name.rpartition("-")[0] for path in (tmp_path / "cache" / "worker-image").iterdir() if path.is_dir()
    } == {
        "worker-root",
        "disk-tools",
    }
