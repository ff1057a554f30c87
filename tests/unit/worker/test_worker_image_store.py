import errno
import stat
import threading
from pathlib import Path

import pytest

from worker.errors import ImageDiskFullError
from worker.images.store import Store


def unpack(target: Path) -> str:
    (target / "private").mkdir(parents=True)
    (target / "private/file").write_text("content")
    (target / "private/file").chmod(0)
    (target / "private").chmod(0o700)
    (target / "link").symlink_to("/nowhere")
    (target / "run").touch(0o700)
    return "abc"


def test_what_was_unpacked_once_is_found_again(tmp_path: Path) -> None:
    first = Store(tmp_path).obtain("k", "i", unpack)
    second = Store(tmp_path).obtain("k", "i", unpack)
    assert (first.cached, second.cached) == (False, True)
    assert first.path == second.path
    assert second.sha256 == "abc"


def test_everybody_can_read_what_one_user_unpacked(tmp_path: Path) -> None:
    root = Store(tmp_path).obtain("k", "i", unpack).path
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) & 0o055 for path in root.rglob("*") if not path.is_symlink()}
    assert modes == {"private": 0o055, "file": 0o044, "run": 0o055}
    assert stat.S_IMODE(root.parent.stat().st_mode) == 0o755


def test_everybody_may_add_and_only_the_owner_remove(tmp_path: Path) -> None:
    Store(tmp_path / "cache")
    for directory in (tmp_path / "cache", *(tmp_path / "cache").iterdir()):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o1777


def test_jobs_that_want_the_same_image_at_once_unpack_it_once(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()
    calls: list[Path] = []
    cached: list[bool] = []

    def slow(target: Path) -> str:
        calls.append(target)
        begun.set()
        assert go_on.wait(10)
        return unpack(target)

    def want() -> None:
        cached.append(Store(tmp_path).obtain("k", "i", slow).cached)

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
    def fail(target: Path) -> str:
        unpack(target)
        (target / "private").chmod(0)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ImageDiskFullError):
        Store(tmp_path).obtain("k", "i", fail)
    assert list((tmp_path / "partial").iterdir()) == []
    assert Store(tmp_path).find("k") is None
    assert not Store(tmp_path).obtain("k", "i", unpack).cached


def test_what_a_killed_job_left_is_swept_away(tmp_path: Path) -> None:
    store = Store(tmp_path)
    unpack(tmp_path / "partial/k.left")
    (tmp_path / "partial/other.left").mkdir()
    store.obtain("k", "i", unpack)
    assert [path.name for path in (tmp_path / "partial").iterdir()] == ["other.left"]
