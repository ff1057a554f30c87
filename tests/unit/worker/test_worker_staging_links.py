"""Artifacts without an address: the service is asked for their files, and each of these is put where it says."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest

from worker.scratch import Scratch
from worker.staging import archives, artifacts
from worker.staging.artifacts import Fetched
from worker.staging.documents import Artifact, artifact
from worker.staging.errors import (
    ArtifactMismatchError,
    ArtifactNetworkError,
    ArtifactNotGivenError,
    ArtifactTooLargeError,
    ArtifactUnsafeError,
)
from worker.staging.room import Room
from worker.staging.upload import Service

from . import staging_support as support
from .staging_support import Handler, Site, terms, tree

GB = 2**30
Asked = list[dict[str, Any]]


@pytest.fixture
def site() -> Iterator[Site]:
    with support.site() as made:
        yield made


def serving(site: Site, answers: list[Any], files: dict[str, bytes]) -> Asked:
    """Makes the site answer requests for links by `answers`, one after the other, and give out files; notes what is asked."""
    asked: Asked = []

    def answer(request: Handler) -> None:
        if request.command == "POST":
            asked.append({**json.loads(request.body()), "path": request.path})
            made = answers[min(len(asked), len(answers)) - 1]
            request.refuse(*made) if isinstance(made, tuple) else request.refuse(200, json.dumps(made).encode())
        else:
            request.refuse(200, files[request.path])

    site.answer = answer
    return asked


def file(site: Site, name: str, path: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "url": site.url + path, **more}


def stage(site: Site, scratch: Scratch, *urls: str, largest: int = GB) -> list[Fetched]:
    records: list[Fetched] = []
    wanted = [artifact({"url": url}) for url in urls]
    artifacts.stage(wanted, scratch, largest, Service(f"{site.url}/v1", "TOKEN"), terms(), records, lambda: 0.0)
    return records


def tarball(*names: str, **links: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(name)
            archive.addfile(info, io.BytesIO(name.encode()))
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return made.getvalue()


def test_all_files_of_an_artifact_are_put_where_the_service_says(site: Site, scratch: Scratch) -> None:
    first = [file(site, "make/0/out.txt", "/0", size=3), file(site, "make/1/out.txt", "/1")]
    asked = serving(
        site,
        [{"files": first, "next": 2}, {"files": [file(site, "make/2/d/dir.tgz", "/2")]}],
        {"/0": b"one", "/1": b"two", "/2": tarball("dir/x")},
    )
    (record,) = stage(site, scratch, "job://make/*/out.txt")
    assert tree(scratch.home / "make") == {
        "0": "",
        "0/out.txt": "one",
        "1": "",
        "1/out.txt": "two",
        "2": "",
        "2/d": "",
        "2/d/dir": "",
        "2/d/dir/x": "dir/x",
    }
    assert [(one["path"], one["url"], one["first"]) for one in asked] == [
        ("/v1/data/artifact", "job://make/*/out.txt", 0),
        ("/v1/data/artifact", "job://make/*/out.txt", 2),
    ]
    assert (record.name, record.size) == ("job://make/*/out.txt", 6 + len(tarball("dir/x")))
    assert site.asked("Authorization")[0] == "Bearer TOKEN"


def test_the_token_goes_to_the_service_alone(site: Site, scratch: Scratch) -> None:
    serving(site, [{"files": [file(site, "x", "/x")]}], {"/x": b"x"})
    stage(site, scratch, "x")
    assert [(method, headers.get("Authorization")) for method, _, headers in site.seen] == [
        ("POST", "Bearer TOKEN"),
        ("GET", None),
    ]


def test_an_upload_that_is_an_archive_is_unpacked_into_the_home(site: Site, scratch: Scratch) -> None:
    serving(site, [{"files": [file(site, "in.tgz", "/in")]}], {"/in": tarball("data/x")})
    stage(site, scratch, "group/in.tgz")
    assert tree(scratch.home) == {"data": "", "data/x": "data/x"}


def test_a_refusal_ends_staging_with_the_services_own_sentence(site: Site, scratch: Scratch) -> None:
    body = json.dumps({"error": "The job 'a/3' of this workflow left no 'x': see its outputFiles."}).encode()
    asked = serving(site, [(404, body)], {})
    with pytest.raises(
        ArtifactNotGivenError, match=r"'job://a/3/x' cannot be had \(status 404\): The job 'a/3' of"
    ) as told:
        stage(site, scratch, "job://a/3/x")
    assert told.value.message.endswith("see its outputFiles.")
    assert len(asked) == 1


def test_a_service_that_is_down_is_asked_again(site: Site, scratch: Scratch) -> None:
    asked = serving(site, [(503,), (429,), {"files": [file(site, "x", "/x")]}], {"/x": b"x"})
    stage(site, scratch, "x")
    assert len(asked) == 3
    serving(site, [(503,)], {})
    with pytest.raises(ArtifactNetworkError, match="it answered 503"):
        stage(site, scratch, "x")


BAD: list[Any] = [
    [],
    {},
    {"files": 3},
    {"files": [3]},
    {"files": [{"name": "x"}]},
    {"files": [{"name": "x", "url": "ftp://h/x"}]},
    {"files": [{"name": "x", "url": 3}]},
    {"files": [], "next": 0},
    {"files": [], "next": "x"},
    *({"files": [{"name": name, "url": "http://h/x"}]} for name in ("", "/x", "a//b", "../x", "a/../x", ".", "a\0")),
]


@pytest.mark.parametrize("answer", BAD)
def test_an_answer_that_makes_no_sense_is_none(site: Site, scratch: Scratch, answer: Any) -> None:
    serving(site, [answer], {})
    with pytest.raises(ArtifactNetworkError, match="no list of files"):
        stage(site, scratch, "x")
    assert tree(scratch.home) == {}


def test_a_file_of_another_size_than_announced_is_not_taken(site: Site, scratch: Scratch) -> None:
    serving(site, [{"files": [file(site, "a/0/x", "/x", size=5)]}], {"/x": b"four"})
    with pytest.raises(ArtifactMismatchError, match="'a/0/x'"):
        stage(site, scratch, "job://a/*/x")


def test_directories_for_files_count_among_the_entries_of_artifacts(scratch: Scratch) -> None:
    room, file = Room(GB, entries=2), scratch.tools / "file"
    file.write_bytes(b"x")
    with pytest.raises(ArtifactTooLargeError, match="2 entries"):
        artifacts._put(Artifact("x")._replace(path=PurePosixPath("a/b/c")), file, 1, scratch.home, room, terms())


def test_no_archive_leads_out_of_the_directory_that_it_is_unpacked_in(scratch: Scratch) -> None:
    (scratch.home / "other").mkdir()
    file = scratch.tools / "file"
    for link, target in (("up", ".."), ("up", "../other")):
        file.write_bytes(tarball(**{link: target}))
        with pytest.raises(ArtifactUnsafeError, match="leads out"):
            archives.unpack("a", "a.tgz", file, scratch.home, Room(GB), lambda: None, ("make", "0"))
