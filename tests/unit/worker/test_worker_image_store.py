import errno
import fcntl
import os
import stat
import threading
from pathlib import Path

import pytest

from worker.images import locks
from worker.images.errors import ImageDiskError, ImageDiskFullError
from worker.images.store import Store

SHA256 = "a" * 64
KEY = f"docker-{SHA256}"


def unpack(target: Path) -> None:
    (target / "private").mkdir(parents=True)
    (target / "private/file").write_text("content")
    (target / "private/file").chmod(0)
    (target / "private").chmod(0o700)
    (target / "link").symlink_to("/nowhere")
    (target / "run").touch(0o700)


def test_what_was_unpacked_once_is_found_again(tmp_path: Path) -> None:
    first = Store(tmp_path, []).obtain(KEY, "i", unpack)
    second = Store(tmp_path, []).obtain(KEY, "i", unpack)
    assert (first.cached, second.cached) == (False, True)
    assert first.path == second.path
    assert second.sha256 == SHA256


def test_everybody_can_read_what_one_user_unpacked(tmp_path: Path) -> None:
    root = Store(tmp_path, []).obtain(KEY, "i", unpack).path
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) & 0o055 for path in root.rglob("*") if not path.is_symlink()}
    assert modes == {"private": 0o055, "file": 0o044, "run": 0o055}
    assert stat.S_IMODE(root.parent.stat().st_mode) == 0o755


def test_everybody_may_add_and_only_the_owner_remove(tmp_path: Path) -> None:
    Store(tmp_path / "cache", [])
    for directory in (tmp_path / "cache", *(tmp_path / "cache").iterdir()):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o1777


def test_jobs_that_want_the_same_image_at_once_unpack_it_once(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()
    calls: list[Path] = []
    cached: list[bool] = []

    def slow(target: Path) -> None:
        calls.append(target)
        begun.set()
        assert go_on.wait(10)
        unpack(target)

    def want() -> None:
        cached.append(Store(tmp_path, []).obtain(KEY, "i", slow).cached)

    threads = [threading.Thread(target=want) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(calls) == 1
    assert sorted(cached) == [False, True, True, True]


def test_a_failed_unpacking_leaves_nothing_and_the_next_may_try(tmp_path: Path) -> None:
    def fail(target: Path) -> None:
        unpack(target)
        (target / "private").chmod(0)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ImageDiskFullError):
        Store(tmp_path, []).obtain(KEY, "i", fail)
    assert list((tmp_path / "partial").iterdir()) == []
    assert not (tmp_path / "images" / KEY).exists()
    assert not Store(tmp_path, []).obtain(KEY, "i", unpack).cached


def test_what_a_killed_job_left_is_swept_away(tmp_path: Path) -> None:
    store = Store(tmp_path, [])
    unpack(tmp_path / f"partial/{KEY}.left")
    (tmp_path / "partial/other.left").mkdir()
    store.obtain(KEY, "i", unpack)
    assert [path.name for path in (tmp_path / "partial").iterdir()] == ["other.left"]


def unused() -> str:
    raise AssertionError("it is there already")


def unpack_unused(target: Path) -> None:
    raise AssertionError(f"it is there already: {target}")


def test_one_image_under_two_names_is_kept_once(tmp_path: Path) -> None:
    first = Store(tmp_path, []).obtain_named("url-1", "i", lambda: SHA256, unpack)
    second = Store(tmp_path, []).obtain_named("file-2", "i", lambda: SHA256, unpack_unused)
    assert (first.cached, second.cached) == (False, True)
    assert first.path == second.path
    assert first.sha256 == second.sha256 == SHA256


def test_what_a_name_stands_for_is_not_fetched_again(tmp_path: Path) -> None:
    Store(tmp_path, []).obtain_named("url-1", "i", lambda: SHA256, unpack)
    assert Store(tmp_path, []).obtain_named("url-1", "i", unused, unpack_unused).cached


def test_a_name_whose_image_was_deleted_is_fetched_again(tmp_path: Path) -> None:
    image = Store(tmp_path, []).obtain_named("url-1", "i", lambda: SHA256, unpack)
    image.path.parent.rename(tmp_path / "deleted")
    again = Store(tmp_path, []).obtain_named("url-1", "i", lambda: SHA256, unpack)
    assert not again.cached
    assert again.path.is_dir()


def test_an_image_is_locked_for_as_long_as_its_user_holds_it(tmp_path: Path) -> None:
    held: list[int] = []
    Store(tmp_path, held).obtain(KEY, "i", unpack)
    entry = os.open(tmp_path / "images" / KEY, os.O_RDONLY)
    try:
        with pytest.raises(BlockingIOError):
            fcntl.flock(entry, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for descriptor in held:
            os.close(descriptor)
        fcntl.flock(entry, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(entry)


def test_a_lock_that_was_deleted_while_it_was_waited_for_is_not_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    keeper = locks.alone(path)
    got: list[int] = []
    waiting = threading.Thread(target=lambda: got.append(locks.alone(path)), daemon=True)
    waiting.start()
    path.unlink()
    os.close(keeper)
    waiting.join(10)
    assert os.path.samestat(os.fstat(got[0]), path.stat())
    os.close(got[0])


def test_another_failure_of_the_disk_is_told_as_such(tmp_path: Path) -> None:
    def fail(target: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(ImageDiskError, match="Input/output error"):
        Store(tmp_path, []).obtain(KEY, "i", fail)


def test_making_the_store_does_not_touch_the_umask_of_others(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        Store(tmp_path / "cache", [])
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "cache/locks").stat().st_mode) == 0o1777
    assert [one.name for one in (tmp_path / "cache").iterdir() if one.name.startswith(".")] == []
