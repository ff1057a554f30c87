"""Images that lie on the worker already, below the directories that its administrator opened to jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Iterable

from worker.images.errors import ImageCorruptError, ImageFormatError, ImageNotFoundError, ImagePathRefusedError
from worker.images.reference import LocalPath
from worker.images.source import Image, Source, check_sha256


def obtain(named: LocalPath, expected: str, source: Source) -> Image:
    """A directory in place, or a .sif or .tar file, unpacked once while it stays unchanged. Raises ImageError."""
    path = allowed_path(named.text, source.image_dirs)
    if not path.is_dir():
        return _unpacked(named.text, path, expected, source)
    if expected:
        raise ImageFormatError(named.text, "a directory, which has no SHA-256 to compare with imageSha256")
    return Image(path, "", cached=True)


def allowed_path(text: str, image_dirs: Iterable[str]) -> Path:
    """The real path behind ``text``. Raises ImagePathRefusedError, ImageNotFoundError.

    A path that is not below one of ``image_dirs`` is refused whether or not it exists, so that a job cannot look around
    on a worker.
    """
    path = Path(text).resolve()
    allowed = list(image_dirs)
    if not any(Path(directory).resolve() in path.parents for directory in allowed):
        raise ImagePathRefusedError(text, ", ".join(allowed))
    if not (path.is_dir() or path.is_file()):
        raise ImageNotFoundError(text, "this path on the worker")
    return path


def _unpacked(text: str, path: Path, expected: str, source: Source) -> Image:
    import hashlib  # what unpacks is imported here: a directory in place, the fastest way, does without

    from worker.images import archive
    from worker.images.store import Store

    stamp = path.stat()
    name = hashlib.sha256(f"{path}\0{stamp.st_mtime_ns}\0{stamp.st_size}".encode()).hexdigest()

    def digest() -> str:
        found = archive.sha256(path)
        check_sha256(text, expected, found)
        return found

    def unpack(target: Path) -> None:
        archive.unpack(text, path, target, source)
        now = path.stat()
        if (now.st_mtime_ns, now.st_size) != (stamp.st_mtime_ns, stamp.st_size):
            raise ImageCorruptError(text, "the file changed while it was read")

    image = Store(source.cache, source.kept.locks).obtain_named(f"file-{name}", text, digest, unpack)
    check_sha256(text, expected, image.sha256)
    return image
