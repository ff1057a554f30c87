"""The image keeper, as the program that it is, on a real store; every size is that of a file system of its own or of none."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.images.store import Store

PROGRAM = Path(__file__).parents[3] / "condor_config/image_keeper.py"
HOUR = 3600.0


def sha256(number: int) -> str:
    return f"{number:064x}"


class Cache:
    """A store with images, each held by a list of descriptors until it is let go of."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.held: dict[int, list[int]] = {}

    def add(self, number: int, age: float = 0.0, size: int = 1 << 20) -> None:
        """Puts an image in, last used so many seconds ago, and holds it."""

        def unpack(target: Path) -> None:
            (target / "below").mkdir(parents=True)
            (target / "below/file").write_bytes(b"x" * size)
            (target / "below").chmod(0o500)
            (target / "out").symlink_to(self.root.parent / "outside")

        locks: list[int] = []
        Store(self.root, locks).obtain(f"content-{sha256(number)}", "i", unpack)
        self.held[number] = locks
        used = time.time() - age
        os.utime(self.root / f"locks/content-{sha256(number)}.lock", (used, used))

    def name(self, name: str, number: int) -> None:
        locks: list[int] = []
        Store(self.root, locks).obtain_named(name, "i", lambda: sha256(number), Path.mkdir)
        self.held[number].extend(locks)

    def let_go(self, number: int) -> None:
        for one in self.held.pop(number):
            os.close(one)

    def keep(self, percent: int, free_percent: int = 0) -> str:
        """Has the keeper look once; what it said."""
        command = [sys.executable, "-IS", str(PROGRAM), str(self.root), "--once", f"--percent={percent}"]
        done = subprocess.run(
            [*command, f"--free-percent={free_percent}"], capture_output=True, text=True, timeout=60, check=True
        )
        return done.stderr

    def there(self) -> list[int]:
        return sorted(int(entry.name.rpartition("-")[2], 16) for entry in (self.root / "images").iterdir())


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("not of the store")
    made = Cache(tmp_path / "cache")
    yield made
    for number in list(made.held):
        made.let_go(number)
    assert (tmp_path / "outside/file").read_text() == "not of the store"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Cache]:
    """A store on a file system of 10 MB."""
    if os.getuid() != 0:
        pytest.skip("mounting needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(disk)], check=True, timeout=10)
    made = Cache(disk / "cache")
    yield made
    for number in list(made.held):
        made.let_go(number)
    subprocess.run(["umount", str(disk)], check=True, timeout=10)


def test_the_images_that_were_not_used_for_longest_go_first_and_only_as_many_as_needed(small: Cache) -> None:
    for number, age in ((1, 10 * HOUR), (2, 30 * HOUR), (3, 20 * HOUR), (4, HOUR)):
        small.add(number, age, 2 << 20)
        small.let_go(number)
    small.keep(percent=50)
    assert small.there() == [1, 4]


def test_images_go_while_too_little_of_the_disk_is_free(small: Cache) -> None:
    for number in (1, 2):
        small.add(number, HOUR / number)
        small.let_go(number)
    (small.root.parent / "of others").write_bytes(b"x" * (7 << 20))
    small.keep(percent=100, free_percent=15)
    assert small.there() == [2]


def test_an_image_that_a_job_uses_stays_however_old_it_is(cache: Cache) -> None:
    cache.add(1, 100 * HOUR)
    cache.add(2)
    cache.let_go(2)
    cache.keep(percent=0)
    assert cache.there() == [1]
    cache.let_go(1)
    assert "deleted the image" in cache.keep(percent=0)
    assert cache.there() == []


def test_within_the_bounds_nothing_goes(cache: Cache) -> None:
    cache.add(1, 100 * HOUR)
    cache.let_go(1)
    assert cache.keep(percent=100) == ""
    assert cache.there() == [1]


def test_using_an_image_again_makes_it_young(cache: Cache) -> None:
    cache.add(1, HOUR)
    cache.let_go(1)
    before = time.time() - 60
    held: list[int] = []
    assert Store(cache.root, held).obtain(f"content-{sha256(1)}", "i", Path.mkdir).cached
    cache.held[1] = held
    assert (cache.root / f"locks/content-{sha256(1)}.lock").stat().st_mtime > before


def test_what_a_killed_job_left_goes_and_what_a_job_works_on_stays(cache: Cache) -> None:
    Store(cache.root, [])
    for key in ("docker-left", "docker-busy"):
        (cache.root / f"partial/{key}.abc/rootfs").mkdir(parents=True)
    with (cache.root / "locks/docker-busy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cache.keep(percent=100)
        assert [one.name for one in (cache.root / "partial").iterdir()] == ["docker-busy.abc"]


def test_names_of_images_that_are_gone_and_old_locks_go(cache: Cache) -> None:
    for number in (1, 2):
        cache.add(number)
        cache.name(f"url-{number}", number)
    old = time.time() - 2 * HOUR
    cache.let_go(1)
    cache.keep(percent=0)
    for lock in (cache.root / "locks").iterdir():
        os.utime(lock, (old, old))
    cache.keep(percent=0)
    assert [one.name for one in (cache.root / "names").iterdir()] == ["url-2"]
    assert {one.name for one in (cache.root / "locks").iterdir()} == {"url-2.lock", f"content-{sha256(2)}.lock"}


def test_what_a_killed_keeper_had_moved_is_deleted_by_the_next(cache: Cache) -> None:
    cache.keep(percent=100)
    (cache.root / "trash/1/2").mkdir(parents=True)
    cache.keep(percent=100)
    assert list((cache.root / "trash").iterdir()) == []


def test_links_and_files_in_the_way_lead_nowhere(cache: Cache) -> None:
    cache.root.mkdir()
    (cache.root / "images").symlink_to(cache.root.parent / "outside")
    (cache.root / "names").write_text("no directory")
    cache.keep(percent=0)
    (cache.root / "images/link").symlink_to(cache.root.parent / "outside")
    (cache.root / "partial/link.x").symlink_to(cache.root.parent / "outside")
    (cache.root / "names/link").symlink_to(cache.root.parent / "outside/file")
    os.mkfifo(cache.root / "locks/link.lock")
    os.mkfifo(cache.root / "names/pipe")
    cache.keep(percent=0)
    for name in ("images", "names", "partial", "locks"):
        assert not (cache.root / name).is_symlink()
        assert stat.S_IMODE((cache.root / name).stat().st_mode) == 0o1777
    assert stat.S_IMODE((cache.root / "trash").stat().st_mode) == 0o700


def test_another_accounts_images_are_deleted_and_the_store_becomes_the_keepers(cache: Cache) -> None:
    if os.getuid() != 0:
        pytest.skip("other accounts' files need root")
    cache.add(1)
    cache.let_go(1)
    for path in (cache.root, *cache.root.rglob("*")):
        os.lchown(path, 2011, 2000)
    cache.keep(percent=0)
    assert cache.there() == []
    assert {path.stat().st_uid for path in (cache.root, *cache.root.iterdir())} == {0}
