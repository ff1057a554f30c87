"""Archives unpacked into a job's home: honest ones as they are, hostile ones not at all."""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.staging.archives import is_archive, unpack
from worker.staging.errors import (
    ArtifactCorruptError,
    ArtifactDiskFullError,
    ArtifactTooLargeError,
    ArtifactUnsafeError,
)
from worker.staging.room import Room

from .staging_archives import CONTENT, GB, member, opened, tar, unix, zipped
from .staging_support import tree


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "scratch/home"
    made.mkdir(parents=True)
    return made


@pytest.mark.parametrize(
    ("filename", "compress"),
    [
        ("a.tar", lambda data: data),
        ("a.tar.gz", gzip.compress),
        ("A.TGZ", gzip.compress),
        ("a.tar.bz2", bz2.compress),
        ("a.tar.xz", lzma.compress),
        ("a.tgz", bz2.compress),
    ],
)
def test_a_tar_archive_is_unpacked_however_it_is_compressed(
    home: Path, filename: str, compress: Callable[[bytes], bytes]
) -> None:
    data = tar(
        member("./", type=tarfile.DIRTYPE),
        member("./d", type=tarfile.DIRTYPE, mode=0o700),
        member("./d/run.sh", CONTENT, mode=0o755, mtime=1_000_000),
        member("e/deep/file", b"x"),
        member("d/up", type=tarfile.SYMTYPE, linkname="../e/deep/file"),
        member("again", type=tarfile.LNKTYPE, linkname="d/run.sh"),
    )
    assert is_archive(filename)
    text = CONTENT.decode()
    expected = {"again": text, "d": "", "d/run.sh": text, "d/up": "-> ../e/deep/file"}
    assert opened(home, filename, compress(data)) == {**expected, "e": "", "e/deep": "", "e/deep/file": "x"}
    status = (home / "d/run.sh").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime, status.st_nlink) == (0o755, 1_000_000, 2)
    assert stat.S_IMODE((home / "d").stat().st_mode) == 0o700


def test_a_zip_archive_is_unpacked(home: Path) -> None:
    data = zipped(
        ("d/", b""),
        (unix("d/run.sh", stat.S_IFREG | 0o755), CONTENT),
        ("plain", b"x"),
        (unix("d/link", stat.S_IFLNK | 0o777), b"../plain"),
    )
    text = CONTENT.decode()
    assert opened(home, "a.zip", data) == {"d": "", "d/link": "-> ../plain", "d/run.sh": text, "plain": "x"}
    assert (home / "d/run.sh").stat().st_mode & 0o777 == 0o755


def test_what_real_tools_pack_comes_out_the_same(home: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "sub/file").write_bytes(CONTENT)
    (source / ("long" * 50)).write_text("long")
    (source / "link").symlink_to("sub/file")
    with (source / "sparse").open("wb") as sparse:
        sparse.seek(5_000_000)
        sparse.write(b"end")
    for options in (["--format=gnu", "-S"], ["--format=pax", "-S"], ["--format=pax"]):
        packed = subprocess.run(["tar", *options, "-C", source, "-czf", "-", "."], capture_output=True, check=True)
        assert opened(home, "a.tar.gz", packed.stdout) == tree(source), options


def test_setuid_bits_and_permissions_of_others_are_not_taken_over(home: Path) -> None:
    opened(home, "a.tar", tar(member("s", b"x", mode=0o6777), member("d", type=tarfile.DIRTYPE, mode=0o1777)))
    opened(home, "a.zip", zipped((unix("z", stat.S_IFREG | 0o6777), b"x")))
    assert {name: stat.S_IMODE((home / name).stat().st_mode) for name in "sdz"} == {"s": 0o755, "d": 0o755, "z": 0o755}


def test_a_directory_that_its_owner_may_not_write_to_can_be_filled_and_removed(home: Path) -> None:
    opened(home, "a.tar", tar(member("d", type=tarfile.DIRTYPE, mode=0o500), member("d/x", b"x", mode=0)))
    assert (home / "d/x").read_bytes() == b"x"


UNSAFE = {
    "an absolute name": [member("/etc/x", b"x")],
    "a parent in the name": [member("a/../../x", b"x")],
    "an absolute link": [member("l", type=tarfile.SYMTYPE, linkname="/etc/passwd")],
    "a link to the parent": [member("l", type=tarfile.SYMTYPE, linkname="..")],
    "a link that climbs too far": [member("a/b/l", type=tarfile.SYMTYPE, linkname="../../../x")],
    "a link that climbs after a name": [member("l", type=tarfile.SYMTYPE, linkname="a/../../x")],
    "a link without a target": [member("l", type=tarfile.SYMTYPE, linkname="")],
    "a hard link to the outside": [member("l", type=tarfile.LNKTYPE, linkname="../job.json")],
    "an absolute hard link": [member("l", type=tarfile.LNKTYPE, linkname="/etc/passwd")],
    "a device": [member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "a block device": [member("disk", type=tarfile.BLKTYPE, devmajor=8)],
    "a FIFO": [member("fifo", type=tarfile.FIFOTYPE)],
    "the home itself as a link": [member(".", type=tarfile.SYMTYPE, linkname="x")],
    "a tower of directories": [member("d/" * 200 + "x", b"x")],
}


@pytest.mark.parametrize("members", UNSAFE.values(), ids=UNSAFE)
def test_an_entry_that_leads_out_or_is_no_file_is_refused_by_name(
    home: Path, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    before = sorted(home.parent.iterdir())
    with pytest.raises(ArtifactUnsafeError) as caught:
        opened(home, "a.tar", tar(*members))
    assert members[0][0].name[:20] in caught.value.message
    assert tree(home) == {}
    assert sorted(home.parent.iterdir()) == [home.parent / "artifact", *before]


@pytest.mark.parametrize(
    "entry",
    [
        ("../x", b"x"),
        ("/etc/x", b"x"),
        (unix("l", stat.S_IFLNK), b"/etc/passwd"),
        (unix("l", stat.S_IFLNK), b"x" * 5000),
        (unix("f", stat.S_IFIFO), b""),
        (unix("c", stat.S_IFCHR), b""),
    ],
)
def test_the_same_holds_for_zip_archives(home: Path, entry: tuple[zipfile.ZipInfo | str, bytes]) -> None:
    with pytest.raises(ArtifactUnsafeError):
        opened(home, "a.zip", zipped(entry))
    assert tree(home) == {}


@pytest.mark.parametrize("through", [member("l/x", b"x"), member("h", type=tarfile.LNKTYPE, linkname="l/x")])
def test_nothing_is_written_or_linked_through_a_link(home: Path, through: tuple[tarfile.TarInfo, bytes]) -> None:
    (home / "l").symlink_to(home.parent)
    (home.parent / "x").write_text("outside")
    with pytest.raises(ArtifactCorruptError):
        opened(home, "a.tar", tar(through))
    assert (home.parent / "x").read_text() == "outside"
    assert not (home / "h").exists()


def test_a_link_is_replaced_and_not_followed(home: Path) -> None:
    (home.parent / "x").write_text("outside")
    (home / "x").symlink_to("../x")
    opened(home, "a.tar", tar(member("x", b"new")))
    assert (home.parent / "x").read_text() == "outside"
    assert tree(home) == {"x": "new"}


def test_a_chain_of_links_does_not_lead_out(home: Path) -> None:
    members = [
        member("a/b", type=tarfile.SYMTYPE, linkname=".."),
        member("c", type=tarfile.SYMTYPE, linkname="a/b/.."),
    ]
    with pytest.raises(ArtifactUnsafeError, match="after a name"):
        opened(home, "a.tar", tar(*members))


def bomb(total: int) -> bytes:
    """A tar.gz that claims one file of so many bytes and goes on with zeros."""
    info = tarfile.TarInfo("zeros")
    info.size = total
    return gzip.compress(info.tobuf() + bytes(20 * 2**20))


def test_an_archive_that_would_fill_the_disk_is_refused_before_it_does(home: Path) -> None:
    with pytest.raises(ArtifactTooLargeError, match=r"resources\.disk"):
        opened(home, "a.tgz", bomb(10 * GB))
    with pytest.raises(ArtifactTooLargeError):
        opened(home, "a.tar", tar(member("a", CONTENT), member("b", CONTENT)), Room(len(CONTENT) + 1))
    with pytest.raises(ArtifactTooLargeError):
        opened(home, "a.zip", zipped(("a", CONTENT), ("b", CONTENT)), Room(len(CONTENT) + 1))


def test_the_number_of_entries_has_a_limit_and_made_up_directories_count(home: Path) -> None:
    with pytest.raises(ArtifactTooLargeError, match="5 entries"):
        opened(home, "a.tar", tar(*(member(str(number)) for number in range(6))), Room(GB, entries=5))
    with pytest.raises(ArtifactTooLargeError, match="5 entries"):
        opened(home, "a.tar", tar(member("a/b/c/d/e/f/g")), Room(GB, entries=5))


def test_a_full_disk_is_named_as_such(home: Path) -> None:
    program = """
import resource, sys
from pathlib import Path
from worker.staging.archives import unpack
from worker.staging.errors import ArtifactDiskFullError
from worker.staging.room import Room
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    unpack("a", "a.tar", Path(sys.argv[1]), Path(sys.argv[2]), Room(2**30), lambda: None)
except ArtifactDiskFullError as error:
    print(error.code)
"""
    file = home.parent / "artifact"
    file.write_bytes(tar(member("a", CONTENT)))
    done = subprocess.run(
        [sys.executable, "-c", program, str(file), str(home)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.decode().strip() == ArtifactDiskFullError.code


def test_an_order_to_stop_ends_unpacking_between_two_pieces(home: Path) -> None:
    file = home.parent / "artifact"
    file.write_bytes(tar(member("a", bytes(10**6)), member("b", b"x")))
    calls = iter(range(6))

    def check() -> None:
        if next(calls) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack("a", "a.tar", file, home, Room(GB), check)
    assert not (home / "b").exists()


@pytest.mark.parametrize("name", ["a.jar", "a.docx", "a.gz", "a.tar.zst", "a.whl", "zip", "content"])
def test_other_files_are_left_as_they_are(name: str) -> None:
    assert not is_archive(name)
