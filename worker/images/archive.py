"""Image files: what kind a file is by its content, and how each becomes a directory."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tarfile
import zlib
from pathlib import Path

from worker.images import convert
from worker.images.errors import ImageCorruptError, ImageFormatError
from worker.images.source import Source

_CHUNK = 1 << 20
_SIF_MAGIC = b"SIF_MAGIC"
_SIF_OFFSET = 32
_GZIP_MAGIC = b"\x1f\x8b"


def unpack(image: str, file: Path, target: Path, source: Source) -> None:
    """Unpack an image file into the new directory ``target``. ``image`` is for messages. Raises ImageError."""
    with file.open("rb") as opened:
        head = opened.read(_SIF_OFFSET + len(_SIF_MAGIC))
    if head[_SIF_OFFSET:] == _SIF_MAGIC:
        convert.unpack(image, str(file.resolve()), target, source)
        return
    if not head.startswith(_GZIP_MAGIC):
        _unpack_tar(image, file, target, source)
        return
    plain = source.scratch.tools / "plain.tar"
    try:
        _decompress(image, file, plain)
        _unpack_tar(image, plain, target, source)
    finally:
        plain.unlink(missing_ok=True)


def sha256(file: Path) -> str:
    """The SHA-256 of a file's content, hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        for chunk in iter(lambda: opened.read(_CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def _unpack_tar(image: str, file: Path, target: Path, source: Source) -> None:
    check_archive(image, file)
    link = source.scratch.tools / "archive.tar"  # a name without the colons that would end an address
    link.unlink(missing_ok=True)
    link.symlink_to(file.resolve())
    try:
        convert.unpack(image, f"docker-archive:{link}", target, source)
    finally:
        link.unlink()


def check_archive(image: str, file: Path) -> None:
    """Check that an uncompressed file is what ``docker save`` writes. Raises ImageFormatError, ImageCorruptError."""
    if not tarfile.is_tarfile(file):
        raise ImageFormatError(image, "neither a .sif file nor a .tar file")
    try:
        with tarfile.open(file, "r:") as archive:
            if not any(member.name in ("manifest.json", "./manifest.json") for member in archive):
                raise ImageFormatError(
                    image, "a .tar file without a manifest.json, such as that of a plain file system"
                )
    except (tarfile.TarError, EOFError) as error:
        raise ImageCorruptError(image, f"the .tar file is damaged ({error})") from error


def _decompress(image: str, file: Path, plain: Path) -> None:
    try:
        with gzip.open(file, "rb") as opened, plain.open("wb") as written:
            shutil.copyfileobj(opened, written, _CHUNK)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ImageCorruptError(image, f"its compression is damaged ({error})") from error
