"""`prominence snapshot`: the archive arrives whole or not at all, and the token stays with the service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.client.scripted_server import Answer, ScriptedServer, running

if TYPE_CHECKING:
    from tests.unit.client.conftest import Shell

ARCHIVE = bytes(range(256)) * 4096


@pytest.fixture
def store() -> Iterator[ScriptedServer]:
    """Object storage, on another address than the service."""
    with running() as scripted:
        yield scripted


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def offer(server: ScriptedServer, store: ScriptedServer, answer: Answer) -> None:
    """Lets the service take snapshots of job 7, whose link the store answers."""
    server.on("PUT /jobs/7/snapshot", Answer(200, {}))
    server.on("GET /jobs/7/snapshot", Answer(200, {"url": f"{store.url}/objects/secret?signature=1"}))
    store.on("GET /objects/secret", answer)


def files(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_snapshot_is_taken_and_fetched(
    server: ScriptedServer, store: ScriptedServer, shell: Shell, here: Path
) -> None:
    offer(server, store, Answer(200, ARCHIVE))
    result = shell("snapshot", "7", "a b/ü&path=x")
    assert (result.code, result.err) == (0, "")
    assert result.out == f"snapshot-7.tar.gz: {len(ARCHIVE)} bytes\n"
    assert (here / "snapshot-7.tar.gz").read_bytes() == ARCHIVE
    assert [(request.method, request.query) for request in server.requests] == [
        ("PUT", {"path": "a b/ü&path=x"}),
        ("GET", {}),
    ]


def test_the_store_never_sees_the_token_nor_a_password_of_the_user(
    server: ScriptedServer, store: ScriptedServer, shell: Shell, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "netrc").write_text("default login alice password s3cret\n")
    monkeypatch.setenv("NETRC", str(here / "netrc"))
    offer(server, store, Answer(200, ARCHIVE))
    assert shell("snapshot", "7", "x").code == 0
    (request,) = store.requests
    assert "Authorization" not in request.headers
    assert request.query == {"signature": "1"}


def test_output_names_the_file_or_the_standard_output(
    server: ScriptedServer, store: ScriptedServer, shell: Shell, here: Path
) -> None:
    offer(server, store, Answer(200, ARCHIVE))
    (here / "mine.tgz").write_text("old")
    assert shell("snapshot", "-o", "mine.tgz", "7", "x").out == f"mine.tgz: {len(ARCHIVE)} bytes\n"
    assert (here / "mine.tgz").read_bytes() == ARCHIVE
    assert shell("snapshot", "7", "x", "--output", "-").stdout == ARCHIVE
    assert files(here) == ["mine.tgz"]


@pytest.mark.parametrize(
    ("answer", "code", "word"),
    [
        (Answer(200, ARCHIVE, {"Content-Length": str(len(ARCHIVE) + 1), "Connection": "close"}), 4, "try again"),
        (Answer(drop=True), 4, "broke off"),
        (Answer(403, {"error": "The time of this link is over: ask for a new one."}), 1, "link is over"),
        (Answer(404, {"error": "There is no such object."}), 1, "no such object"),
        (Answer(302, None, {"Location": "http://127.0.0.1:1/elsewhere"}), 1, "HTTP 302"),
    ],
    ids=["cut", "dropped", "expired", "gone", "redirect"],
)
def test_an_archive_that_does_not_arrive_leaves_what_was_there(
    server: ScriptedServer, store: ScriptedServer, shell: Shell, here: Path, answer: Answer, code: int, word: str
) -> None:
    offer(server, store, answer)
    (here / "mine.tgz").write_text("old")
    result = shell("snapshot", "7", "x", "-o", "mine.tgz")
    assert (result.code, result.out) == (code, "")
    assert word in result.err
    assert "secret" not in result.err
    assert (here / "mine.tgz").read_text() == "old"
    assert files(here) == ["mine.tgz"]


def test_a_snapshot_that_is_refused_says_why_and_is_asked_for_once(server: ScriptedServer, shell: Shell) -> None:
    server.on("PUT /jobs/7/snapshot", Answer(400, {"error": "Job 7 is not running."}))
    result = shell("snapshot", "7", "x")
    assert (result.code, result.err) == (1, "prominence: Job 7 is not running.\n")
    server.answers["PUT /jobs/7/snapshot"] = [Answer(503, {"error": "busy"})]
    assert shell("snapshot", "7", "x").code == 4
    assert len(server.requests) == 2


@pytest.mark.parametrize("answer", [[], {}, {"url": 7}, {"url": "nonsense"}, {"url": "file:///etc/passwd"}])
def test_what_is_no_link_is_an_error(server: ScriptedServer, shell: Shell, here: Path, answer: object) -> None:
    server.on("PUT /jobs/7/snapshot", Answer(200, {}))
    server.on("GET /jobs/7/snapshot", Answer(200, answer))
    assert shell("snapshot", "7", "x").code == 1
    assert files(here) == []


def test_a_file_that_cannot_be_written_is_said(server: ScriptedServer, store: ScriptedServer, shell: Shell) -> None:
    offer(server, store, Answer(200, ARCHIVE))
    result = shell("snapshot", "7", "x", "-o", "no/such/folder/x.tgz")
    assert result.code == 1
    assert "No such file or directory" in result.err
