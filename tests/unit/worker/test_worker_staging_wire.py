"""Requests and addresses: how long is waited, where redirects and secrets go, what things are called."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.staging import wire
from worker.staging.documents import Artifact, artifact
from worker.staging.download import fetch
from worker.staging.errors import (
    ArtifactNetworkError,
    ArtifactNotFoundError,
)
from worker.staging.room import Room

from . import staging_support as support
from .staging_support import Site, dripping, stalling, terms, whole

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


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (stalling(b"1234", 10**6), "timed out|fewer than"),
        (dripping(b"X-A: b\r\n"), "fewer than 1000 bytes|got more than 100 headers"),
        (dripping(b"X"), "fewer than 1000 bytes"),
    ],
    ids=["silence", "dripping headers", "a dripping line"],
)
def test_a_server_that_stalls_or_drips_is_not_waited_for(
    site: Site, file: Path, answer: support.Answer, says: str
) -> None:
    site.answer = answer
    with pytest.raises(ArtifactNetworkError, match=says):
        fetch(Artifact(site.url), file, ROOM, terms(tries=1, pace=support.QUICK))


def test_a_body_that_drips_without_a_length_is_not_taken_for_the_file(site: Site, file: Path) -> None:
    site.answer = dripping(b"\r\n12")
    with pytest.raises(ArtifactNetworkError, match="fewer than 1000 bytes"):
        fetch(Artifact(site.url), file, ROOM, terms(tries=1, pace=support.QUICK))


def test_redirects_are_followed_and_not_without_end(site: Site, file: Path) -> None:
    site.answers = [lambda request: request.refuse(302, Location="/other")]
    site.answer = whole(BODY)
    fetch(Artifact(f"{site.url}/a"), file, ROOM, terms())
    assert [path for _, path, _ in site.seen] == ["/a", "/other"]
    site.answer = lambda request: request.refuse(302, Location="/other")
    with pytest.raises(ArtifactNetworkError, match="without end"):
        fetch(Artifact(site.url), file, ROOM, terms(tries=1))
    site.answer = lambda request: request.refuse(302, Location="file:///etc/passwd")
    with pytest.raises(ArtifactNetworkError, match="not safe"):
        fetch(Artifact(site.url), file, ROOM, terms(tries=1))


def test_a_password_in_an_address_goes_to_its_host_alone_and_into_no_message(site: Site, file: Path) -> None:
    url = site.url.replace("://", "://me:secret@")
    site.answers = [lambda request: request.refuse(302, Location=f"{site.url}/other")]
    with pytest.raises(ArtifactNotFoundError) as caught:
        fetch(Artifact(f"{url}/a?key=secret"), file, ROOM, terms())
    assert site.asked("Authorization") == ["Basic bWU6c2VjcmV0", None]
    assert "secret" not in caught.value.message


def test_a_connection_is_closed_when_its_answer_was_read_whoever_holds_on_to_it(site: Site) -> None:
    ended = threading.Event()

    def answer(request: support.Handler) -> None:
        whole(BODY)(request)
        if request.connection.recv(1) == b"":
            ended.set()

    site.answer = answer
    with wire.ask("GET", site.url, {}, support.QUICK) as reply:
        while reply.read(MB):
            pass
    assert ended.wait(10)
    assert reply.status == 200


@pytest.mark.parametrize(
    ("url", "name", "filename"),
    [
        ("http://h/a/b.tar.gz?x=/y", "", "b.tar.gz"),
        ("http://h/a%2Fb%20c", "", "b c"),
        ("http://h", "", "artifact"),
        ("http://h/..", "", "artifact"),
        ("http://h/signed/1234", "group/folder/data.zip", "data.zip"),
    ],
)
def test_the_last_part_of_an_address_or_name_is_the_files_name(url: str, name: str, filename: str) -> None:
    assert Artifact(url, name).filename == filename


def test_an_artifact_is_read_from_the_jobs_description() -> None:
    found = artifact({"url": "HTTPS://u:p@h/x?k=secret", "mountpoint": "d:/data", "executable": True})
    assert found == Artifact("HTTPS://u:p@h/x?k=secret", "", "d", "/data", True)
    assert (found.is_address, found.shown) == (True, "https://h/x")


@pytest.mark.parametrize("url", ["group/d.zip", "job://a b/*/d.zip", "http:/x"])
def test_what_is_no_address_is_for_the_service_to_find_and_called_as_it_stands(url: str) -> None:
    found = artifact({"url": url})
    assert (found.is_address, found.shown, found.url) == (False, url, url)
