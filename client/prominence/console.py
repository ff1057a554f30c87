"""Where a command reads and writes: the three streams, the environment, the clocks, and the terminal's width.

The one place that knows of `sys`, so that everything else can be called by a program as well.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from prominence.client import Client
from prominence.render.text import printable


@dataclass(frozen=True)
class Console:
    """The surroundings of one command. `clock` gives epoch seconds, `monotonic` and `sleep` count seconds."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def client(self) -> Client:
        """Return a client made of the environment. Raises InvalidInput, NotAuthenticated."""
        return Client.from_environment(self.environ, sleep=self.sleep)

    def say(self, *lines: str) -> None:
        """Write lines to the standard output; what its encoding lacks becomes `?`."""
        encoding = self.stdout.encoding or "utf-8"
        text = "".join(f"{line}\n" for line in lines)
        self.write(text.encode(encoding, errors="replace"))

    def write(self, data: bytes) -> None:
        """Write bytes of a job to the standard output, at once."""
        _write(self.stdout, data)

    def write_error(self, data: bytes) -> None:
        """Write bytes of a job to the standard error, at once."""
        _write(self.stderr, data)

    def note(self, sentence: str) -> None:
        """Tell the user something beside the output: on the standard error, with the command's name."""
        encoding = self.stderr.encoding or "utf-8"
        self.write_error(f"prominence: {printable(sentence)}\n".encode(encoding, errors="replace"))

    def width(self) -> int | None:
        """Return the columns a line may take: COLUMNS, else the terminal's; None in a pipe or file."""
        columns = self.environ.get("COLUMNS", "")
        if columns.isascii() and columns.isdigit() and int(columns) > 0:
            return int(columns)
        return shutil.get_terminal_size().columns if self.stdout.isatty() else None


def _write(stream: TextIO, data: bytes) -> None:
    stream.flush()
    stream.buffer.write(data)
    stream.buffer.flush()
