"""The appliance: named by its recipe, built once, whole or not at all. A stand-in builds it: the real one downloads 150 MB."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import appliance, packages
from deploy.errors import DeployError
from tests.unit.deploy.conftest import Archive

pytestmark = pytest.mark.timeout(120)

Builder = Callable[[str], None]


def silent(_: str) -> None:
    """Nobody listens."""


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def builder(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builder:
    """Puts a `mmdebstrap` on the PATH that runs a shell script; `$target` is the folder to build in."""
    archive.update()
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")

    def make(script: str) -> None:
        find = 'for word; do case $word in *.partial) target=$word ;; esac; done; printf "%s\\n" "$@" >"$0.words"\n'
        program = folder / "mmdebstrap"
        program.write_text(f"#!/bin/sh\nset -e\n{find}{script}\n")
        program.chmod(0o755)

    return make


def words(tmp_path: Path) -> list[str]:
    return (tmp_path / "bin" / "mmdebstrap.words").read_text().splitlines()


def test_the_same_recipe_has_the_same_name() -> None:
    assert appliance.digest(appliance.recipe(), 0) == appliance.digest(list(appliance.recipe()), 0)


def test_another_recipe_or_another_owner_has_another_name() -> None:
    recipe = appliance.recipe()
    changed = [[*recipe[:index], f"{word} ", *recipe[index + 1 :]] for index, word in enumerate(recipe)]
    others = [*changed, recipe[::-1], recipe[:-1], [*recipe, "more"]]
    names = {appliance.digest(other, 0) for other in others} | {appliance.digest(recipe, 1000)}
    assert len(names) == len(others) + 1
    assert appliance.digest(recipe, 0) not in names


@pytest.mark.parametrize("part", ["debian", "htcondor", "apptainer", "proot", "rclone", "udocker", "udocker_sha256"])
def test_a_version_is_part_of_the_recipe(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = appliance.recipe()
    versions = tmp_path / "versions.toml"
    lines = packages.VERSIONS.read_text().splitlines()
    versions.write_text("\n".join(f'{part} = "99"' if line.startswith(f"{part} ") else line for line in lines))
    monkeypatch.setattr(packages, "VERSIONS", versions)
    assert appliance.recipe() != before


def test_the_products_own_version_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = appliance.recipe()
    versions = tmp_path / "versions.toml"
    lines = packages.VERSIONS.read_text().splitlines()
    versions.write_text("\n".join('version = "99"' if line.startswith("version ") else line for line in lines))
    monkeypatch.setattr(packages, "VERSIONS", versions)
    assert appliance.recipe() == before


def test_it_is_built_once(builder: Builder, cache: Path) -> None:
    builder('mkdir -p "$target/etc"')
    said: list[str] = []
    first = appliance.ensure(cache, said.append)
    assert (first / "etc").is_dir()
    builder("exit 1")
    assert appliance.ensure(cache, said.append) == first
    assert len(said) == 1


def test_only_apptainer_and_proot_come_from_debian_unstable(builder: Builder, cache: Path, tmp_path: Path) -> None:
    builder('mkdir -p "$target"')
    appliance.ensure(cache, silent)
    hook = "\n".join(words(tmp_path))
    pins = [block.split("\n") for block in hook.split("'")[1].strip().split("\n\n")]
    unstable = {block[0]: block[-1] for block in pins if "Pin: release n=sid" in block}
    assert unstable["Package: *"] == "Pin-Priority: -10"
    assert list(unstable) == ["Package: *", "Package: apptainer", "Package: proot"]


def test_a_failed_build_says_why_and_leaves_nothing(builder: Builder, cache: Path) -> None:
    builder('mkdir -p "$target/etc"; echo "E: no space left" >&2; exit 25')
    with pytest.raises(DeployError, match="no space left"):
        appliance.ensure(cache, silent)
    assert [entry.name for entry in cache.iterdir() if entry.is_dir()] == []
    builder('mkdir -p "$target/etc"')
    assert (appliance.ensure(cache, silent) / "etc").is_dir()


def test_what_a_killed_build_left_is_not_built_upon(builder: Builder, cache: Path) -> None:
    builder('mkdir -p "$target"')
    built = appliance.ensure(cache, silent)
    built.rmdir()
    (cache / f"{built.name}.partial" / "half").mkdir(parents=True)
    assert list(appliance.ensure(cache, silent).iterdir()) == []


def test_two_at_a_time_build_one(builder: Builder, cache: Path, tmp_path: Path) -> None:
    builder(f'echo build >>"{tmp_path}/builds"; mkdir -p "$target"')
    threads = [threading.Thread(target=appliance.ensure, args=(cache, silent)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (tmp_path / "builds").read_text() == "build\n"
