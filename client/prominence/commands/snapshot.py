"""`prominence snapshot`: files of a running job, as an archive."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path

from prominence.commands.parsing import Commands, add_job_id
from prominence.console import Console

DETAILS = """\
The archive is a gzipped tar file: tar -tzf shows what is in it. PATH is relative to the job's directory.
"""


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add(
        "snapshot", execute, summary="fetch a file or directory of a running job as an archive", details=DETAILS
    )
    add_job_id(parser)
    parser.add_argument("path", metavar="PATH", help="the file or directory in the job's directory")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where to put the archive (snapshot-ID.tar.gz); `-` writes to the standard output",
    )


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Take the snapshot and fetch it."""
    pieces = console.client().snapshot(arguments.job, arguments.path)
    if arguments.output == "-":
        for piece in pieces:
            console.write(piece)
        return 0
    target = Path(arguments.output or f"snapshot-{arguments.job}.tar.gz")
    size = _store(pieces, target)
    console.say(f"{target}: {size} bytes")
    return 0


def _store(pieces: Iterator[bytes], target: Path) -> int:
    """Put the archive in place, whole or not at all; return its size in bytes."""
    partial = target.with_name(f"{target.name}.part")
    size = 0
    try:
        with partial.open("wb") as file:
            for piece in pieces:
                size += file.write(piece)
        partial.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    return size
