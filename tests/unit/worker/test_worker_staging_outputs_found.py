"""Which files and directories of the job's home an output's name stands for, and which are never read."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Iterator

import pytest

from worker.scratch import Scratch
from worker.staging.errors import (
    OutputMissingError,
    OutputRefusedError,
)

from . import staging_support as support
from .staging_job import Job
from .staging_support import Site, linking

DATA = bytes(range(256)) * 5000
MB = 2**20


@pytest.fixture
def site() -> Iterator[Site]:
    with support.site() as made:
        made.answer = linking(made)
        yield made


@pytest.fixture
def job(scratch: Scratch, site: Site) -> Job:
    return Job(scratch, site.url, "T")


def test_missing_outputs_are_all_named_and_the_others_are_stored(job: Job, site: Site) -> None:
    job.made("there")
    (job.home / "hollow").symlink_to("nothing")
    failure = job.failure("gone", "*.dat", "there", "there/below", "hollow", folders=("no/such",))
    assert isinstance(failure, OutputMissingError)
    assert failure.outputs == ("gone", "*.dat", "there/below", "hollow", "no/such")
    assert list(site.stored) == ["there"]
    assert "'gone', '*.dat'" in failure.message


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.dat", ["a.dat", "b.dat"]),
        ("?.dat", ["a.dat", "b.dat"]),
        ("[!a].dat", ["b.dat"]),
        ("d/*", ["d/c.dat"]),
        ("*/*.dat", ["d/c.dat", "link/c.dat", "round/a.dat", "round/b.dat"]),
        ("**/c.dat", ["d/c.dat"]),
        ("**/*.dat", ["a.dat", "b.dat", "d/c.dat"]),
        (".*", [".hidden"]),
        ("/home/user/*.dat", ["a.dat", "b.dat"]),
        ("./a.dat", ["a.dat"]),
        ("x[1]", ["x[1]"]),
        ("link/c.dat", ["link/c.dat"]),
        ("round/d/c.dat", ["round/d/c.dat"]),
        ("alias", ["alias"]),
    ],
)
def test_patterns_stand_for_files(job: Job, site: Site, pattern: str, names: list[str]) -> None:
    for name in ("a.dat", "b.dat", "d/c.dat", ".hidden", ".cache/e.dat", "x[1]", "x1"):
        job.made(name, name.encode())
    (job.home / "link").symlink_to("/home/user/d")
    (job.home / "round").symlink_to("d/../.")
    (job.home / "alias").symlink_to("link/c.dat")
    assert job.stored(pattern) == names


def test_a_file_that_two_patterns_match_is_stored_once(job: Job, site: Site) -> None:
    job.made("a.dat")
    assert job.stored("a.dat", "*.dat", "a*") == ["a.dat"]
    assert len(site.seen) == 2


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("/etc/passwd", "leads out"),
        ("../../job.json", "leads out"),
        ("sub/../../x", "leads out"),
        ("/home/user/../x", "leads out"),
        ("/home", "leads out"),
        ("again", "circle"),
    ],
)
def test_a_link_that_leads_out_is_refused_by_name(job: Job, site: Site, target: str, says: str) -> None:
    (job.home / "sub").mkdir()
    (job.home / "again").symlink_to("again")
    (job.home / "out").symlink_to(target)
    (job.home.parent / "x").write_text("outside")
    for pattern in ("out", "ou*"):
        failure = job.failure(pattern)
        assert isinstance(failure, OutputRefusedError)
        assert says in failure.message
        assert "'out'" in failure.message
    assert isinstance(job.failure(folders=("out",)), OutputRefusedError)
    assert site.seen == []


def test_nothing_outside_is_listed_by_way_of_a_link(job: Job, site: Site) -> None:
    (job.home / "out").symlink_to("/etc")
    failures = [job.failure(pattern) for pattern in ("out/*", "*/passwd", "**/passwd", "out/*/*")]
    assert [type(failure) for failure in failures] == [
        OutputMissingError,
        OutputRefusedError,
        OutputMissingError,
        OutputMissingError,
    ]
    assert site.seen == []


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "/home/user/../x", "/tmp/x", "a\0b"])
def test_a_name_outside_of_the_home_is_refused(job: Job, site: Site, name: str) -> None:
    assert isinstance(job.failure(name), OutputRefusedError)
    assert isinstance(job.failure(folders=(name,)), OutputRefusedError)
    assert site.seen == []


def test_what_is_no_file_is_not_stored_as_one(job: Job, site: Site) -> None:
    (job.home / "folder").mkdir()
    os.mkfifo(job.home / "fifo")
    job.made("file")
    says = [failure.message for name in ("folder", "fifo") if (failure := job.failure(name))]
    assert "outputDirs" in says[0]
    assert "no ordinary file" in says[1]
    failure = job.failure(folders=("file",))
    assert failure is not None
    assert "outputFiles" in failure.message
    assert isinstance(job.failure("*"), OutputMissingError) is False
    assert list(site.stored) == ["file"]


def test_a_pattern_that_matches_too_much_is_refused(job: Job, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.staging.paths.MOST_MATCHES", 2)
    for name in "abc":
        job.made(name)
    failure = job.failure("*")
    assert isinstance(failure, OutputRefusedError)
    assert "outputDirs" in failure.message
    assert site.seen == []


def archived(data: bytes) -> dict[str, tuple[bytes, int]]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as archive:
        return {member.name: (member.type, member.mode) for member in archive}


def test_a_directory_is_stored_as_an_archive_of_that_name(job: Job, site: Site) -> None:
    job.made("out/run/deep/file", DATA)
    (job.home / "out/run/link").symlink_to("/etc/passwd")
    os.mkfifo(job.home / "out/run/fifo")
    for name, mode in (("out/run", 0o755), ("out/run/deep", 0o711), ("out/run/deep/file", 0o750)):
        (job.home / name).chmod(mode)
    assert job.stored(folders=("out/run/", "/home/user/out")) == ["out/run.tgz", "out.tgz"]
    assert archived(site.stored["out/run.tgz"]) == {
        "run": (tarfile.DIRTYPE, 0o755),
        "run/deep": (tarfile.DIRTYPE, 0o711),
        "run/deep/file": (tarfile.REGTYPE, 0o750),
        "run/link": (tarfile.SYMTYPE, 0o777),
    }
    assert set(archived(site.stored["out.tgz"])) > {"out/run/deep/file"}
    assert list(job.around.scratch.tools.iterdir()) == []


def test_the_whole_home_can_be_stored(job: Job, site: Site) -> None:
    job.made("a")
    assert job.stored(folders=(".",)) == ["home.tgz"]
    assert set(archived(site.stored["home.tgz"])) == {"home", "home/a"}


def test_two_outputs_of_one_name_are_not_taken_for_one(job: Job, site: Site) -> None:
    job.made("a.tgz", b"mine")
    (job.home / "a").mkdir()
    failure = job.failure("a.tgz", folders=("a",))
    assert isinstance(failure, OutputRefusedError)
    assert site.stored == {"a.tgz": b"mine"}


def test_what_may_not_be_read_is_named(job: Job, site: Site) -> None:
    job.made("d/secret")
    (job.home / "d/secret").chmod(0)
    if os.access(job.home / "d/secret", os.R_OK):
        pytest.skip("this user may read everything")
    for failure in (job.failure("d/secret"), job.failure(folders=("d",))):
        assert isinstance(failure, OutputRefusedError)
        assert "secret" in failure.message


def test_an_odd_name_is_stored_or_refused_and_its_sentence_can_be_written(job: Job, site: Site) -> None:
    (job.home / os.fsdecode(b"\xff.dat")).write_bytes(b"x")
    job.stored("*.dat")
    site.answer = lambda request: request.refuse(400, b'{"error": "name must be Unicode text"}')
    failure = job.failure("*.dat")
    assert failure is not None
    assert failure.message.encode()
