"""Debian as this machine's apt knows it, tried with an archive on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import debian, example_image
from deploy.errors import DeployError
from tests.unit.deploy.conftest import Archive

pytestmark = pytest.mark.timeout(120)


def test_the_mirror_is_the_one_that_apt_uses(archive: Archive) -> None:
    archive.update()
    assert debian.mirror().rstrip("/") == archive.address.rstrip("/")


def test_a_machine_whose_apt_knows_no_archive_is_told_what_to_do(archive: Archive) -> None:
    with pytest.raises(DeployError, match="apt-get update"):
        debian.mirror()


def test_an_archive_of_somebody_else_is_not_taken_for_debian(archive: Archive) -> None:
    release = archive.folder / "dists" / "test" / "Release"
    release.write_text(release.read_text().replace("Label: Debian", "Label: Other"))
    archive.update()
    with pytest.raises(DeployError):
        debian.mirror()


def test_a_package_is_unpacked_and_not_installed(archive: Archive, tmp_path: Path) -> None:
    archive.update()
    debian.unpack("busybox-static", tmp_path / "deep" / "target")
    assert (tmp_path / "deep" / "target" / "bin" / "busybox").stat().st_mode & 0o111
    assert not (archive.apt / "status").read_text()


def test_a_package_that_cannot_be_had_is_named(archive: Archive, tmp_path: Path) -> None:
    archive.update()
    with pytest.raises(DeployError, match=r"absent-package cannot be downloaded: .*absent-package"):
        debian.unpack("absent-package", tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_the_example_image_is_a_root_file_system_with_every_applet(archive: Archive, tmp_path: Path) -> None:
    archive.update()
    image = example_image.ensure(tmp_path)
    assert (image / "bin" / "sh").readlink() == Path("busybox")
    assert sorted(file.name for file in (image / "bin").iterdir()) == ["busybox", "ls", "sh"]
    assert "root:x:0:0:" in (image / "etc" / "passwd").read_text()
    assert [entry.name for entry in tmp_path.iterdir() if "partial" in entry.name] == []


def test_the_example_image_is_made_once(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "busybox").mkdir()
    assert example_image.ensure(tmp_path) == tmp_path / "busybox"
    assert list((tmp_path / "busybox").iterdir()) == []


def test_what_a_killed_build_left_does_not_end_up_in_the_image(archive: Archive, tmp_path: Path) -> None:
    archive.update()
    left = tmp_path / ".busybox.partial" / "bin"
    left.mkdir(parents=True)
    (left / "half").touch()
    assert not (example_image.ensure(tmp_path) / "bin" / "half").exists()


def test_a_machine_whose_apt_knows_no_security_updates_has_none(archive: Archive) -> None:
    archive.update()
    assert debian.security() is None


def test_the_archive_of_security_updates_is_the_one_that_apt_uses(archive: Archive) -> None:
    release = archive.folder / "dists" / "test" / "Release"
    release.write_text(release.read_text().replace("Label: Debian", "Label: Debian-Security"))
    archive.update()
    assert (debian.security() or "").rstrip("/") == archive.address.rstrip("/")
