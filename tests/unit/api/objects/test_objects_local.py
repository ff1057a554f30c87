"""The store in a folder: uploads are whole or not at all, whatever happens to those who make them."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.objects import local
from api.objects.errors import (
    BrokenUpload,
    ChecksumMismatch,
    NoSuchObject,
    StorageUnavailable,
    TooLarge,
    WrongSize,
)
from api.objects.incoming import ABANDONED
from api.objects.links import Grant
from api.objects.local import LocalStore
from tests.unit.api.objects.conftest import SECRET, URL, Clock
from tests.unit.api.objects.serving import TOP

LARGEST = 10**9
KEY = "users/alice/x"


def put(store: LocalStore, key: str, *pieces: bytes, announced: int | None = None, **bound: str | int) -> None:
    grant = Grant("PUT", key, 10**12, **bound)  # type: ignore[arg-type]
    store.receive(grant, pieces, announced, LARGEST)


def content(store: LocalStore, key: str) -> bytes:
    descriptor, found = store.open(key)
    with io.FileIO(descriptor) as file:
        data = file.read()
    assert len(data) == found.size
    return data


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_an_upload_is_found_listed_and_read(store: LocalStore) -> None:
    put(store, KEY, b"one", b"two")
    found = store.find(KEY)
    assert found is not None
    assert (found.key, found.size) == (KEY, 6)
    assert content(store, KEY) == b"onetwo"
    assert list(store.listing("users/alice/")) == [found]
    assert list(store.listing("users/")) == [found]
    assert list(store.listing("users/al/")) == []


def test_another_content_has_another_etag_even_of_the_same_size(store: LocalStore) -> None:
    seen = set()
    for number in range(20):
        put(store, KEY, b"%02d" % number)
        found = store.find(KEY)
        assert found is not None
        seen.add(found.etag)
    assert len(seen) == 20


def test_an_object_and_a_folder_of_one_name_live_side_by_side(store: LocalStore) -> None:
    keys = {
        "groups/g/a",
        "groups/g/a/b",
        "groups/g/a/b/c",
        "groups/g/d-a",
        "groups/g/f-a",
        "groups/g/a%2F",
        "groups/g/~",
    }
    keys |= {"groups/g/" + "é" * 300, "groups/g/" + "é" * 300 + "/x", "groups/g/" + "é" * 299}
    for key in keys:
        put(store, key, key.encode())
    assert {found.key for found in store.listing("groups/g/")} == keys
    assert all(content(store, key) == key.encode() for key in keys)
    store.delete("groups/g/a")
    assert content(store, "groups/g/a/b") == b"groups/g/a/b"


def test_what_is_deleted_is_gone_with_its_folders_and_deleting_again_is_fine(store: LocalStore, tmp_path: Path) -> None:
    put(store, "groups/g/a/b/c", b"x")
    store.delete("groups/g/a/b/c")
    store.delete("groups/g/a/b/c")
    assert store.find("groups/g/a/b/c") is None
    with pytest.raises(NoSuchObject):
        store.open("groups/g/a/b/c")
    assert list((tmp_path / "root" / "objects").iterdir()) == []


def broken_body() -> Iterator[bytes]:
    yield b"half"
    raise BrokenUpload(8, 4)


GOOD = hashlib.sha256(b"new").hexdigest()
REFUSED = [
    ((b"new",), None, {"checksum": "0" * 64}, ChecksumMismatch),
    ((b"new",), None, {"checksum": "0" * 40}, ChecksumMismatch),
    ((b"new",), None, {"checksum": "0" * 32}, ChecksumMismatch),
    ((b"new",), None, {"size": 4}, WrongSize),
    ((b"new",), None, {"size": 2}, WrongSize),
    ((b"new",), 3, {"size": 2}, WrongSize),
    ((b"new",), None, {"largest": 2}, TooLarge),
    ((b"new",), 3, {"largest": 2}, TooLarge),
    ((), LARGEST + 1, {}, TooLarge),
    (broken_body(), 8, {}, BrokenUpload),
]


@pytest.mark.parametrize(("body", "announced", "bound", "error"), REFUSED)
def test_a_refused_upload_leaves_what_was_there_and_nothing_else(
    store: LocalStore, tmp_path: Path, body: tuple[bytes], announced: int, bound: dict[str, int], error: type[Exception]
) -> None:
    put(store, KEY, b"old")
    before = files(tmp_path)
    grant = Grant("PUT", KEY, 10**12, **bound)  # type: ignore[arg-type]
    with pytest.raises(error):
        store.receive(grant, body, announced, LARGEST)
    assert content(store, KEY) == b"old"
    assert files(tmp_path) == before


def test_right_checksums_are_taken(store: LocalStore) -> None:
    for algorithm in ("sha256", "sha1", "md5"):
        put(
            store, KEY, b"n", b"ew", checksum=hashlib.new(algorithm, b"new").hexdigest(), size=3, largest=3, announced=3
        )
    assert content(store, KEY) == b"new"


def test_of_racing_uploads_one_is_kept_whole(store: LocalStore, tmp_path: Path) -> None:
    writers, rounds, size = 6, 15, 300_000
    done = threading.Event()

    def write(number: int) -> None:
        for _ in range(rounds):
            piece = bytes([number]) * (size // 3 + number)
            put(store, KEY, piece, piece, piece)

    def look() -> int:
        looks = 0
        while not done.is_set() or not looks:
            data = content(store, KEY)
            assert data == data[:1] * (3 * (size // 3 + data[0]))
            looks += 1
        return looks

    put(store, KEY, b"\0" * 3 * (size // 3))
    with ThreadPoolExecutor(writers + 1) as threads:
        looking = threads.submit(look)
        try:
            for writing in [threads.submit(write, number) for number in range(1, writers + 1)]:
                writing.result(timeout=60)
        finally:
            done.set()
        assert looking.result(timeout=60) > 0
    assert len(files(tmp_path)) == 1


def test_uploads_and_deletions_in_one_folder_do_not_hinder_each_other(store: LocalStore) -> None:
    def work(number: int) -> None:
        for _ in range(100):
            put(store, f"groups/g/a/b/{number}", b"x")
            store.delete(f"groups/g/a/b/{number}")

    with ThreadPoolExecutor(4) as threads:
        for working in [threads.submit(work, number) for number in range(4)]:
            working.result(timeout=60)
    assert list(store.listing("groups/")) == []


def test_an_upload_that_is_deleted_as_soon_as_it_is_there_has_not_failed(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = local._sync_folder

    def deleted_first(folder: Path) -> None:
        store.delete(KEY)
        sync(folder)

    put(store, "users/alice/other", b"x")
    store.delete("users/alice/other")
    monkeypatch.setattr(
        local, "_sync_folder", lambda folder: deleted_first(folder) if any(folder.glob("f-*")) else None
    )
    put(store, KEY, b"x")
    assert store.find(KEY) is None


UPLOADER = f"""
import sys, time
from pathlib import Path
from api.objects.links import Grant
from api.objects.local import LocalStore

def body():
    yield b"x" * 100_000
    print("half", flush=True)
    time.sleep(60)

store = LocalStore(Path(sys.argv[1]), {SECRET!r}, {URL!r})
store.receive(Grant("PUT", {KEY!r}, 10**12), body(), None, 10**9)
"""


def uploader(root: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", UPLOADER, str(root)], cwd=TOP, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    return process


def test_what_a_killed_upload_left_is_swept_and_one_that_lives_is_not(
    store: LocalStore, tmp_path: Path, clock: Clock
) -> None:
    put(store, KEY, b"old")
    killed, alive = uploader(tmp_path / "root"), uploader(tmp_path / "root")
    try:
        killed.send_signal(signal.SIGKILL)
        killed.wait(timeout=20)
        for path in (tmp_path / "root" / "incoming").iterdir():
            os.utime(path, (clock.now, clock.now))
        clock.now += ABANDONED - 1
        assert store.sweep() == 0
        clock.now += 2
        assert store.sweep() == 1
        assert len(list((tmp_path / "root" / "incoming").iterdir())) == 1
    finally:
        alive.kill()
        alive.wait(timeout=20)
    assert content(store, KEY) == b"old"


def test_an_upload_sweeps_what_others_left(store: LocalStore, tmp_path: Path, clock: Clock) -> None:
    left = tmp_path / "root" / "incoming" / "left"
    left.write_bytes(b"x")
    os.utime(left, (clock.now - 2 * ABANDONED,) * 2)
    put(store, KEY, b"new")
    assert not left.exists()


FILLER = f"""
import sys
from pathlib import Path
from api.objects.errors import StorageUnavailable
from api.objects.links import Grant
from api.objects.local import LocalStore

root = Path(sys.argv[1])
store = LocalStore(root, {SECRET!r}, {URL!r})
store.receive(Grant("PUT", "users/a/old", 10**12), [b"old"], None, 10**9)
try:
    store.receive(Grant("PUT", "users/a/old", 10**12), [b"x" * 2**20] * 20, None, 10**9)
except StorageUnavailable as error:
    print(error.status, error.operation, error.why)
print(sum(path.is_file() for path in root.rglob("*")), store.find("users/a/old").size)
store.receive(Grant("PUT", "users/a/old", 10**12), [b"newer"], None, 10**9)
print(store.find("users/a/old").size)
"""


@pytest.mark.parametrize(
    ("limited", "why"),
    [
        (["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs -o size=4m t "$0" && exec "$@"'],
         "No space left on device"),
        (["prlimit", f"--fsize={4 * 2**20}", "sh", "-c", 'exec "$@"'], "File too large"),
    ],
)  # fmt: skip
def test_a_full_disk_is_said_leaves_nothing_and_hinders_nothing_after_it(
    tmp_path: Path, limited: list[str], why: str
) -> None:
    command = [*limited, str(tmp_path), sys.executable, "-c", FILLER, str(tmp_path)]
    result = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=60, check=False)
    assert result.stdout.splitlines() == [f"503 upload {why}", "1 3", "5"], result.stderr


def test_a_folder_that_cannot_be_used_is_said(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "root" / "objects" / "d-users").write_text("no folder")
    for ask in (store.find, store.delete, store.open, lambda key: put(store, key, b"x")):
        with pytest.raises(StorageUnavailable):
            ask(KEY)
    with pytest.raises(StorageUnavailable):
        LocalStore(tmp_path / "root" / "objects" / "d-users" / "x", SECRET, URL)
