"""Artifacts from their addresses to their places in the job's home, and what of them is mounted."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from itertools import count

import pytest

from worker.scratch import Scratch
from worker.staging.artifacts import Fetched, binds, stage
from worker.staging.documents import Artifact
from worker.staging.errors import ArtifactMountError, ArtifactNotFoundError, ArtifactTooLargeError, ArtifactUnsafeError
from worker.staging.upload import Service

from . import staging_support as support
from .staging_support import Site, terms, tree, whole

GB = 2**30
SERVICE = Service("http://127.0.0.1:9", "T")
"""A service that is not asked."""


@pytest.fixture
def site() -> Iterator[Site]:
    with support.site() as made:
        yield made


def tarball(**files: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name.replace("__", "/"))
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def zipball(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, content)
    return made.getvalue()


def staged(scratch: Scratch, *wanted: Artifact, largest: int = GB) -> list[Fetched]:
    records: list[Fetched] = []
    ticks = count()
    stage(wanted, scratch, largest, SERVICE, terms(), records, lambda: float(next(ticks)))
    return records


def test_archives_are_unpacked_and_other_files_are_put_into_the_home(site: Site, scratch: Scratch) -> None:
    script, packed, data = b"#!/bin/sh\n", tarball(d__x=b"1", y=b"2"), zipball("z", b"3")
    site.answers = [whole(script), whole(packed), whole(data), whole(script)]
    records = staged(
        scratch,
        Artifact(f"{site.url}/bin/run.sh", executable=True),
        Artifact(f"{site.url}/data.tar.gz?signature=secret"),
        Artifact(f"{site.url}/signed", "group/upload.zip"),
        Artifact(f"{site.url}/plain"),
    )
    text = script.decode()
    assert tree(scratch.home) == {"d": "", "d/x": "1", "plain": text, "run.sh": text, "y": "2", "z": "3"}
    assert (scratch.home / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (scratch.home / "plain").stat().st_mode & 0o777 == 0o644
    assert [one.document() for one in records[1:3]] == [
        {"name": f"{site.url}/data.tar.gz", "size": len(packed), "sha256": sha256(packed).hexdigest(), "time": 1},
        {"name": "group/upload.zip", "size": len(data), "sha256": sha256(data).hexdigest(), "time": 1},
    ]
    assert list(scratch.tools.iterdir()) == []


def test_an_artifact_that_cannot_be_had_ends_staging_and_leaves_no_download(site: Site, scratch: Scratch) -> None:
    site.answers = [whole(b"x")]
    records: list[Fetched] = []
    wanted = [Artifact(f"{site.url}/{name}") for name in "abc"]
    with pytest.raises(ArtifactNotFoundError):
        stage(wanted, scratch, GB, SERVICE, terms(), records, lambda: 0.0)
    assert [one.name for one in records] == [f"{site.url}/a"]
    assert len(site.seen) == 2
    assert list(scratch.tools.iterdir()) == []


def test_all_artifacts_together_stay_within_the_jobs_disk(site: Site, scratch: Scratch) -> None:
    site.answer = whole(b"x" * 600)
    with pytest.raises(ArtifactTooLargeError, match="1000 bytes"):
        staged(scratch, Artifact(f"{site.url}/a"), Artifact(f"{site.url}/b"), largest=1000)


def test_an_archive_that_leads_out_reaches_nothing_outside_of_the_home(site: Site, scratch: Scratch) -> None:
    scratch.token_file.write_text("T")
    site.answer = whole(zipball("../token", b"forged"))
    with pytest.raises(ArtifactUnsafeError, match=r"'\.\./token'"):
        staged(scratch, Artifact(f"{site.url}/a.zip"))
    assert scratch.token_file.read_text() == "T"


@pytest.mark.parametrize("url", ["/..", "/.", "/", "/a%2F..", "/%00"])
def test_a_file_without_a_usable_name_gets_one(site: Site, scratch: Scratch, url: str) -> None:
    site.answer = whole(b"x")
    staged(scratch, Artifact(site.url + url))
    assert list(tree(scratch.home)) == ["artifact"]


def test_a_directory_or_file_of_an_artifact_is_mounted(site: Site, scratch: Scratch) -> None:
    site.answer = whole(tarball(data__x=b"1", single=b"2"))
    wanted = [
        Artifact(f"{site.url}/a.tgz", source="data", target="/data"),
        Artifact(f"{site.url}/a.tgz"),
        Artifact(f"{site.url}/a.tgz", source="single", target="/etc/single"),
    ]
    staged(scratch, *wanted)
    assert binds(wanted, scratch.home) == [
        (scratch.home / "data", "/data"),
        (scratch.home / "single", "/etc/single"),
    ]


def test_what_is_to_be_mounted_and_missing_is_named_before_the_first_task(site: Site, scratch: Scratch) -> None:
    site.answer = whole(tarball(other__x=b"1"))
    with pytest.raises(ArtifactMountError, match=r"'data'.*'/data'"):
        staged(scratch, Artifact(f"{site.url}/a.tgz", source="data", target="/data"))


@pytest.mark.parametrize("source", ["link", "..", ".", "", "data/x"])
def test_nothing_but_an_entry_of_the_home_is_mounted(scratch: Scratch, source: str) -> None:
    (scratch.home / "data").mkdir()
    (scratch.home / "link").symlink_to("/etc")
    with pytest.raises(ArtifactMountError):
        binds([Artifact("http://h/a.tgz", source=source, target="/data")], scratch.home)
