"""When the database is away, slow or full: a sentence, nothing half stored, and back to work without a restart."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from database.errors import DatabaseUnavailable
from database.postgres import BoundedConnection
from tests.unit.database.postgres_server import PostgresServer
from tests.unit.database.things import Things, made, opened

SENTENCE = "not available at the moment: try again"


@pytest.fixture
def server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """The server, which a test may ill-treat."""
    yield postgres
    postgres.start()


def test_a_server_killed_in_the_middle_of_requests_comes_back_without_a_restart(server: PostgresServer) -> None:
    things = made(server.emptied())

    def sleep(_: int) -> str:
        try:
            with things.database.reading() as connection:
                connection.execute(text("SELECT pg_sleep(5)"))
        except DatabaseUnavailable as error:
            return str(error)
        return ""

    things.put("before")
    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(sleep, number) for number in range(3)]
        wait_for_queries(things, 3)
        server.kill()
        assert all(SENTENCE in answer.result(20) for answer in asked)
    with pytest.raises(DatabaseUnavailable, match=SENTENCE):
        things.put("during")
    server.start()
    things.put("after")
    assert things.names() == ["after", "before"]
    things.database.close()


def wait_for_queries(things: Things, count: int) -> None:
    running = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'")
    deadline = time.monotonic() + 20
    while True:
        with things.database.reading() as connection:
            if connection.execute(running).scalar_one() >= count:
                return
        assert time.monotonic() < deadline


def test_a_server_that_stands_still_is_given_up_and_taken_up_again(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedConnection, "patience", 1.0)
    things = made(server.emptied())
    things.put("name")
    server.freeze()
    try:
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            things.names()
        took = time.monotonic() - began
    finally:
        server.thaw()
    assert took < 8
    assert things.names() == ["name"]
    things.database.close()


def test_a_service_may_start_before_its_database(server: PostgresServer) -> None:
    address = server.emptied()
    made(address).database.close()
    server.kill()
    things = opened(address)
    with pytest.raises(DatabaseUnavailable):
        things.names()
    server.start()
    assert things.names() == []


def test_a_lock_that_is_held_too_long_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("database.engines._BUSY_PATIENCE", 0.1)
    address = f"sqlite:///{tmp_path}/things.sqlite"
    holder, other = made(address), opened(address)
    with holder.database.writing(), pytest.raises(DatabaseUnavailable, match=SENTENCE) as refused:
        other.put("name")
    assert "locked" in refused.value.detail
    other.put("name")


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    things = made(f"sqlite:///{tmp_path}/things.sqlite")
    with things.database.writing():
        assert things.names() == []


@pytest.mark.parametrize("content", [b"this is no database\n" * 500, None])
def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "folder" / "records.sqlite"
    if content is not None:
        file.parent.mkdir()
        file.write_bytes(content)
    with pytest.raises(DatabaseUnavailable, match=SENTENCE):
        opened(f"sqlite:///{file}").names()


def test_a_password_stands_in_no_error(tmp_path: Path) -> None:
    things = opened(f"postgresql+psycopg://user:s3cret@/things?host={tmp_path}")
    with pytest.raises(DatabaseUnavailable) as refused:
        things.database.check()
    assert "s3cret" not in f"{refused.value} {refused.value.detail} {refused.value!r}"


FULL_DISK = """
import sys
from pathlib import Path
from database.errors import DatabaseUnavailable
from tests.unit.database.things import made

folder = Path(sys.argv[1])
filler = folder / "filler"
filler.write_bytes(b"x" * 2**20)
things, stored = made(f"sqlite:///{folder}/things.sqlite"), []
for number in range(1000):
    try:
        things.put(f"{number:04}", b"v" * 16000)
        stored.append(f"{number:04}")
    except DatabaseUnavailable as error:
        print(error, error.detail)
        break
assert 0 < len(stored) < 999, stored
assert things.names() == stored
filler.unlink()
things.put("again", b"v" * 16000)
assert things.names() == [*stored, "again"]
"""


def test_on_a_full_disk_nothing_is_acknowledged_that_is_not_stored(tmp_path: Path) -> None:
    mount = f'mount -t tmpfs -o size=3m tmpfs "{tmp_path}" && exec "{sys.executable}" -c "$0" "{tmp_path}"'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, FULL_DISK]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert SENTENCE in done.stdout
    assert "full" in done.stdout
