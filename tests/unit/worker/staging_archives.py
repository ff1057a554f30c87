"""What the tests of archives share: archives of all kinds, and the home they are unpacked into."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

from worker.staging.archives import unpack
from worker.staging.room import Room

from .staging_support import tree

GB = 2**30
CONTENT = b"text\n" * 1000


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar(*members: tuple[tarfile.TarInfo, bytes], **options: int) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", **options) as archive:  # type: ignore[call-overload]
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def zipped(*entries: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in entries:
            archive.writestr(info, content)
    return made.getvalue()


def unix(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def opened(home: Path, filename: str, data: bytes, room: Room | None = None) -> dict[str, str]:
    """What is in the home after unpacking."""
    file = home.parent / "artifact"
    file.write_bytes(data)
    unpack("the artifact", filename, file, home, room or Room(GB), lambda: None)
    return tree(home)
