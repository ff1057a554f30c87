"""Archives that are damaged, or made to do damage to who reads them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import struct
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from worker.staging.archives import unpack
from worker.staging.errors import (
    ArtifactCorruptError,
    ArtifactError,
)
from worker.staging.room import Room

from .staging_archives import CONTENT, member, opened, tar, unix, zipped


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "scratch/home"
    made.mkdir(parents=True)
    return made


def endless_header() -> bytes:
    info = tarfile.TarInfo("././@PaxHeader")
    info.type = tarfile.XHDTYPE
    info.size = 500 * 2**20
    return gzip.compress(info.tobuf() + bytes(30 * 2**20))


def nested_headers() -> bytes:
    """Extended headers of extended headers."""
    info = tarfile.TarInfo("x")
    info.type = tarfile.XHDTYPE
    return info.tobuf() * 5000


def sparse_map() -> bytes:
    """An old sparse header whose map goes on for ever."""
    header = bytearray(member("s", type=tarfile.GNUTYPE_SPARSE)[0].tobuf(tarfile.GNU_FORMAT))
    header[482] = 1
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    block = bytearray(512)
    block[504] = 1
    return gzip.compress(bytes(header) + bytes(block) * 20_000)


def late_damage() -> bytes:
    whole = tar(member("a", b"x"))
    return whole[:1024] + b"garbage " * 64 + whole[1024:]


def encrypted() -> bytes:
    data = bytearray(zipped(("a", b"x")))
    for signature, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + place] |= 1
    return bytes(data)


def odd_method() -> bytes:
    data = bytearray(zipped(("a", b"x")))
    for signature, place in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        struct.pack_into("<H", data, data.index(signature) + place, 99)
    return bytes(data)


def wrong_sum() -> bytes:
    data = bytearray(zipped(("a", b"x")))
    data[data.index(b"PK\1\2") + 16] ^= 1
    return bytes(data)


CORRUPT = {
    "no archive.tar": b"<html>not found</html>" * 100,
    "nothing.tar": b"",
    "nothing.zip": b"",
    "no archive.zip": b"PK" + bytes(100),
    "cut.tar.gz": gzip.compress(tar(member("a", os.urandom(10_000))))[:5000],
    "cut.tar": tar(member("a", CONTENT))[:2000],
    "cut.tar.xz": lzma.compress(tar(member("a", os.urandom(10_000))))[:5000],
    "cut.tar.bz2": bz2.compress(tar(member("a", os.urandom(10_000))))[:5000],
    "cut.zip": zipped(("a", CONTENT))[:-30],
    "damaged.tar.gz": b"\x1f\x8b\x08\x00broken",
    "damaged.tar.bz2": b"BZh9broken-------",
    "damaged.tar.xz": b"\xfd7zXZ\0broken-----",
    "damaged late.tar": late_damage(),
    "an endless header.tgz": endless_header(),
    "nested headers.tar": nested_headers(),
    "an endless map.tgz": sparse_map(),
    "encrypted.zip": encrypted(),
    "odd method.zip": odd_method(),
    "wrong sum.zip": wrong_sum(),
    "a directory in the way.tar": tar(member("d/x", b"x"), member("d", b"x")),
    "a file in the way.tar": tar(member("d", b"x"), member("d/x", b"x")),
    "a link to nothing.tar": tar(member("l", type=tarfile.LNKTYPE, linkname="x")),
    "a name too long.tar": tar(member("n" * 300, b"x")),
}


@pytest.mark.parametrize("filename", CORRUPT)
def test_a_damaged_archive_is_called_that(home: Path, filename: str) -> None:
    with pytest.raises(ArtifactCorruptError) as caught:
        opened(home, filename, CORRUPT[filename])
    assert caught.value.detail


def test_damaged_bytes_anywhere_give_a_named_error_or_none(home: Path) -> None:
    """Bytes of a small archive set to each of a few values."""
    named, file = 0, home.parent / "artifact"
    data = tar(member("d/a", CONTENT[:600], mode=0o755, pax_headers={"comment": "x"}), format=tarfile.PAX_FORMAT)
    packed = zipped((unix("d/a", stat.S_IFREG | 0o755), CONTENT[:600]))
    for filename, whole, places in (("a.tar", data, range(0, 2048, 13)), ("a.zip", packed, range(0, len(packed), 2))):
        for place in places:
            for value in (0, 0xFF):
                damaged = bytearray(whole)
                damaged[place] = value
                try:
                    file.write_bytes(damaged)
                    unpack("the artifact", filename, file, home, Room(10**6), lambda: None)
                except ArtifactError:
                    named += 1
    assert named > 50
    assert sorted(path.name for path in home.parent.iterdir()) == ["artifact", "home"]


def test_memory_stays_flat_for_many_entries(home: Path, tmp_path: Path) -> None:
    program = """
import sys, tracemalloc
from pathlib import Path
from worker.staging.tarballs import entries
tracemalloc.start()
count = sum(1 for entry in entries(Path(sys.argv[1]), lambda: None))
print(count, tracemalloc.get_traced_memory()[1])
"""
    file = tmp_path / "many.tar"
    block = tarfile.TarInfo("name").tobuf()
    file.write_bytes(block * 20_000 + bytes(1024))
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        timeout=60,
        check=True,
    )
    count, peak = map(int, done.stdout.split())
    assert count == 20_000
    assert peak < 5 * 2**20


def test_a_zip_archive_with_a_huge_list_of_contents_is_refused(home: Path) -> None:
    name = "n" * 65_000
    data = zipped(*((f"{number}{name}", b"") for number in range(260)))
    with pytest.raises(ArtifactCorruptError, match="list of contents"):
        opened(home, "a.zip", data)
