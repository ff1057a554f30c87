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

import api.records.database
from api.records.database import Database
from api.records.errors import RecordsUnavailable
from api.records.pairs import Pairs
from api.records.postgres import BoundedConnection
from api.records.revision import upgrade
from tests.unit.api.records.postgres_server import PostgresServer

USER = ("https://issuer", "alice")
SENTENCE = "not available at the moment: try again"


@pytest.fixture
def server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """The server, which a test may ill-treat."""
    yield postgres
    postgres.start()


def with_tables(address: str) -> Database:
    database = Database(address)
    with database.migrating() as connection:
        upgrade(connection)
    return database


def test_a_server_killed_in_the_middle_of_requests_comes_back_without_a_restart(server: PostgresServer) -> None:
    database = with_tables(server.emptied())
    pairs = Pairs(database)

    def sleep(_: int) -> str:
        try:
            with database.reading() as connection:
                connection.execute(text("SELECT pg_sleep(5)"))
        except RecordsUnavailable as error:
            return str(error)
        return ""

    pairs.put(USER, "before", b"1")
    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(sleep, number) for number in range(3)]
        wait_for_queries(server, database, 3)
        server.kill()
        assert all(SENTENCE in answer.result(20) for answer in asked)
    with pytest.raises(RecordsUnavailable, match=SENTENCE):
        pairs.put(USER, "during", b"1")
    server.start()
    pairs.put(USER, "after", b"1")
    assert pairs.keys(USER, "") == ["after", "before"]
    database.close()


def wait_for_queries(server: PostgresServer, database: Database, count: int) -> None:
    running = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'")
    deadline = time.monotonic() + 20
    while True:
        with database.reading() as connection:
            if connection.execute(running).scalar_one() >= count:
                return
        assert time.monotonic() < deadline


def test_a_server_that_stands_still_is_given_up_and_taken_up_again(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedConnection, "patience", 1.0)
    database = with_tables(server.emptied())
    pairs = Pairs(database)
    pairs.put(USER, "key", b"1")
    server.freeze()
    try:
        began = time.monotonic()
        with pytest.raises(RecordsUnavailable):
            pairs.get(USER, "key")
        took = time.monotonic() - began
    finally:
        server.thaw()
    assert took < 8
    assert pairs.get(USER, "key") == b"1"
    database.close()


def test_a_service_may_start_before_its_database(server: PostgresServer) -> None:
    address = server.emptied()
    with_tables(address).close()
    server.kill()
    pairs = Pairs(Database(address))
    with pytest.raises(RecordsUnavailable):
        pairs.get(USER, "key")
    server.start()
    assert pairs.get(USER, "key") is None


def test_a_lock_that_is_held_too_long_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.records.database, "_BUSY_PATIENCE", 0.1)
    address = f"sqlite:///{tmp_path}/records.sqlite"
    holder, other = with_tables(address), Pairs(Database(address))
    with holder.writing(), pytest.raises(RecordsUnavailable, match=SENTENCE) as refused:
        other.put(USER, "key", b"1")
    assert "locked" in refused.value.detail
    other.put(USER, "key", b"1")


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    database = with_tables(f"sqlite:///{tmp_path}/records.sqlite")
    with database.writing():
        assert Pairs(database).get(USER, "key") is None


@pytest.mark.parametrize("content", [b"this is no database\n" * 500, None])
def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "folder" / "records.sqlite"
    if content is not None:
        file.parent.mkdir()
        file.write_bytes(content)
    with pytest.raises(RecordsUnavailable, match=SENTENCE):
        Pairs(Database(f"sqlite:///{file}")).get(USER, "key")


def test_a_password_stands_in_no_error(tmp_path: Path) -> None:
    database = Database(f"postgresql+psycopg://user:s3cret@/records?host={tmp_path}")
    with pytest.raises(RecordsUnavailable) as refused:
        database.check()
    assert "s3cret" not in f"{refused.value} {refused.value.detail} {refused.value!r}"


FULL_DISK = """
import sys
from pathlib import Path
from api.records.errors import RecordsUnavailable
from tests.unit.api.records.test_records_failures import USER, Pairs, with_tables

folder = Path(sys.argv[1])
filler = folder / "filler"
filler.write_bytes(b"x" * 2**20)
pairs, stored = Pairs(with_tables(f"sqlite:///{folder}/records.sqlite")), []
for number in range(1000):
    try:
        pairs.put(USER, f"{number:04}", b"v" * 16000)
        stored.append(f"{number:04}")
    except RecordsUnavailable as error:
        print(error, error.detail)
        break
assert 0 < len(stored) < 999, stored
assert pairs.keys(USER, "") == stored
filler.unlink()
pairs.put(USER, "again", b"v" * 16000)
assert pairs.keys(USER, "") == [*stored, "again"]
"""


def test_on_a_full_disk_nothing_is_acknowledged_that_is_not_stored(tmp_path: Path) -> None:
    mount = f'mount -t tmpfs -o size=3m tmpfs "{tmp_path}" && exec "{sys.executable}" -c "$0" "{tmp_path}"'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, FULL_DISK]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert SENTENCE in done.stdout
    assert "full" in done.stdout
