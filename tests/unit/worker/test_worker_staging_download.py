"""Artifacts fetched from a real server on the loopback interface that misbehaves."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.staging.documents import Artifact
from worker.staging.download import fetch
from worker.staging.errors import (
    ArtifactCorruptError,
    ArtifactDiskFullError,
    ArtifactError,
    ArtifactMismatchError,
    ArtifactNetworkError,
    ArtifactNotFoundError,
    ArtifactRefusedError,
    ArtifactTooLargeError,
)
from worker.staging.room import Room, writing

from . import staging_support as support
from .staging_support import Site, ranges, sha256, stalling, terms, whole

BODY = bytes(range(256)) * 12_000
MB = 2**20
ROOM = Room(2**40)


@pytest.fixture
def site() -> Iterator[Site]:
    with support.site() as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "artifact"


def test_what_is_fetched_is_the_file(site: Site, file: Path) -> None:
    site.answer = whole(BODY)
    announced = Artifact(f"{site.url}/a%20b.dat?x=1", sha256=sha256(BODY), size=len(BODY))
    assert fetch(announced, file, ROOM, terms()) == (len(BODY), sha256(BODY))
    assert file.read_bytes() == BODY
    assert site.seen[0][:2] == ("GET", "/a%20b.dat?x=1")


def test_an_empty_file_is_a_file(site: Site, file: Path) -> None:
    site.answer = whole(b"")
    assert fetch(Artifact(site.url), file, ROOM, terms()).size == 0


def test_a_transfer_that_breaks_is_taken_up_where_it_ended(site: Site, file: Path) -> None:
    site.answers = [ranges(BODY, upto=1_000_000), ranges(BODY, upto=1_000_000)]
    site.answer = ranges(BODY)
    pauses: list[float] = []
    fetch(Artifact(site.url, sha256=sha256(BODY)), file, ROOM, terms(pauses))
    assert file.read_bytes() == BODY
    assert site.asked("Range") == [None, "bytes=1000000-", "bytes=2000000-"]
    assert site.asked("If-Range") == [None, '"1"', '"1"']
    assert pauses == [0.5, 0.5]


def test_a_line_that_breaks_often_is_no_reason_to_give_up_while_bytes_arrive(site: Site, file: Path) -> None:
    body = bytes(20 * MB)
    site.answer = ranges(body, upto=MB + 1)
    pauses: list[float] = []
    assert fetch(Artifact(site.url), file, ROOM, terms(pauses, tries=2)) == (len(body), sha256(body))
    assert set(pauses) == {0.5}


def test_a_server_without_ranges_sends_everything_again(site: Site, file: Path) -> None:
    site.answers = [ranges(BODY, upto=1000)]
    site.answer = whole(BODY)
    fetch(Artifact(site.url, sha256=sha256(BODY)), file, ROOM, terms())
    assert file.read_bytes() == BODY


@pytest.mark.parametrize("etag", ['W/"1"', ""])
def test_a_file_of_uncertain_state_is_never_put_together_from_parts(site: Site, file: Path, etag: str) -> None:
    site.answers = [ranges(b"old" * 1000, etag=etag, upto=1000)]
    site.answer = ranges(BODY, etag=etag)
    fetch(Artifact(site.url), file, ROOM, terms())
    assert file.read_bytes() == BODY
    assert site.asked("Range") == [None, None]


def test_a_file_that_changed_meanwhile_is_fetched_anew(site: Site, file: Path) -> None:
    site.answers = [ranges(b"old" * 1000, etag='"old"', upto=1000)]
    site.answer = ranges(BODY, etag='"new"')
    fetch(Artifact(site.url), file, ROOM, terms())
    assert file.read_bytes() == BODY


def test_a_server_that_says_a_changed_file_is_the_same_is_asked_for_all_of_it(site: Site, file: Path) -> None:
    site.answers = [ranges(b"old" * 1000, upto=1000)]
    site.answer = ranges(BODY)
    fetch(Artifact(site.url, sha256=sha256(BODY)), file, ROOM, terms())
    assert file.read_bytes() == BODY
    assert site.asked("Range") == [None, "bytes=1000-", None]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda request: request.begin(206, Content_Length=3, Content_Range="bytes 5-7/8"),
        lambda request: request.begin(206, Content_Length=3),
        lambda request: request.refuse(416),
    ],
    ids=["another part", "no part", "none"],
)
def test_a_part_that_was_not_asked_for_is_not_taken(site: Site, file: Path, wrong: support.Answer) -> None:
    site.answers = [ranges(BODY, upto=1000), wrong]
    site.answer = ranges(BODY)
    fetch(Artifact(site.url), file, ROOM, terms())
    assert file.read_bytes() == BODY


def test_a_short_answer_is_not_taken_for_the_file(site: Site, file: Path) -> None:
    site.answer = lambda request: (request.begin(200, Content_Length=9), request.wfile.write(b"1234"))
    with pytest.raises(ArtifactNetworkError, match="4 of 9 bytes"):
        fetch(Artifact(site.url), file, ROOM, terms())
    assert len(site.seen) == 6


def test_a_server_that_is_not_there_is_a_network_error(file: Path) -> None:
    with pytest.raises(ArtifactNetworkError, match="refused"):
        fetch(Artifact("http://127.0.0.1:1/a"), file, ROOM, terms())


@pytest.mark.parametrize("url", ["http://[x", "http://h:99999/", "ftp:", ""])
def test_what_is_no_address_is_not_asked(file: Path, url: str) -> None:
    with pytest.raises(ArtifactNetworkError, match="no such address"):
        fetch(Artifact(url), file, ROOM, terms())


@pytest.mark.parametrize(
    ("status", "error", "requests"),
    [
        (404, ArtifactNotFoundError, 1),
        (403, ArtifactRefusedError, 1),
        (400, ArtifactRefusedError, 1),
        (502, ArtifactNetworkError, 6),
        (429, ArtifactNetworkError, 6),
    ],
)
def test_each_refusal_has_its_own_error(
    site: Site, file: Path, status: int, error: type[ArtifactError], requests: int
) -> None:
    site.answer = lambda request: request.refuse(status)
    with pytest.raises(error):
        fetch(Artifact(site.url), file, ROOM, terms())
    assert len(site.seen) == requests


def test_a_server_that_asks_for_a_pause_gets_it_within_bounds(site: Site, file: Path) -> None:
    site.answers = [
        lambda request: request.refuse(503, Retry_After="7"),
        lambda request: request.refuse(503, Retry_After="99999"),
        lambda request: request.refuse(503, Retry_After="Mon, 01 Jan 2024 00:00:00 GMT"),
    ]
    site.answer = whole(BODY)
    pauses: list[float] = []
    fetch(Artifact(site.url), file, ROOM, terms(pauses))
    assert pauses == [7, 60, 2]


def test_another_file_than_announced_is_refused_and_not_fetched_again(site: Site, file: Path) -> None:
    site.answer = whole(BODY)
    with pytest.raises(ArtifactMismatchError) as caught:
        fetch(Artifact(site.url, sha256="a" * 64), file, ROOM, terms())
    assert (caught.value.what, caught.value.found) == ("SHA-256", sha256(BODY))
    with pytest.raises(ArtifactMismatchError, match="size"):
        fetch(Artifact(site.url, size=5), file, ROOM, terms())
    assert len(site.seen) == 2


def test_a_file_that_is_too_large_is_refused_before_it_is_fetched(site: Site, file: Path) -> None:
    site.answer = stalling(b"", 10**12)
    with pytest.raises(ArtifactTooLargeError, match=r"1000 bytes.*resources\.disk"):
        fetch(Artifact(site.url), file, Room(1000), terms())


def test_an_endless_file_ends_at_the_limit(site: Site, file: Path) -> None:
    site.answer = lambda request: (request.begin(200), [request.wfile.write(BODY) for _ in range(100)])
    with pytest.raises(ArtifactTooLargeError):
        fetch(Artifact(site.url), file, Room(5 * len(BODY)), terms())
    assert file.stat().st_size <= 5 * len(BODY)


def test_a_full_disk_is_named_as_such(site: Site) -> None:
    site.answer = whole(BODY)
    with pytest.raises(ArtifactDiskFullError, match=r"resources\.disk"):
        fetch(Artifact(site.url), Path("/dev/full"), ROOM, terms())
    with pytest.raises(ArtifactCorruptError, match="Read-only"), writing("a"):
        raise OSError(errno.EROFS, "Read-only file system")


def test_an_order_to_stop_ends_a_transfer_between_two_chunks(site: Site, file: Path) -> None:
    site.answer = whole(BODY)
    calls = iter(range(3))

    def check() -> None:
        if next(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(Artifact(site.url), file, ROOM, terms(check=check))


def test_memory_stays_flat_for_a_large_file(site: Site, file: Path) -> None:
    block = bytes(MB)
    site.answer = lambda request: (
        request.begin(200, Content_Length=200 * MB),
        [request.wfile.write(block) for _ in range(200)],
    )
    program = """
import sys
from pathlib import Path
from worker.staging import wire
from worker.staging.documents import Artifact
from worker.staging.download import fetch
from worker.staging.room import Room
from worker.staging.terms import Terms
content = fetch(Artifact(sys.argv[1], sha256=sys.argv[2]), Path(sys.argv[3]), Room(2**40), Terms(lambda: None, print))
line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(content.size, line.split()[1])
"""
    digest = sha256(bytes(200 * MB))
    top = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program, site.url, digest, str(file)],
        cwd=top,
        capture_output=True,
        timeout=120,
        check=True,
    )
    size, high_water_kb = map(int, done.stdout.split())
    assert size == 200 * MB
    assert high_water_kb < 100 * 1024
