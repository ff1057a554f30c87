"""A connection to the starter's I/O proxy: files of the job's folder at the access point, read and written from the worker.

The proxy speaks HTCondor's Chirp protocol: a line with a command, an answer line with a number, negative for a refusal. Names
are relative to the job's folder; what else may be reached is for the access point to say, which sees the same requests.

A starter that has lost its shadow refuses commands, but ends itself, and the job, at an ``open`` (seen with HTCondor 23.9.6).
So whole files are read and written by commands that do not open, and ``open`` comes right behind a ``lookup``, which asks the
shadow the same question and is merely refused.
"""

from __future__ import annotations

import socket
from typing import List, NamedTuple

CONFIG_FILE = ".chirp.config"
"""File in the scratch directory that says where the proxy is; absent for jobs without one."""
ABSENT = -3
"""The proxy's answer for a file that is not there."""
_TIMEOUT = 30.0
_LONGEST_LISTING = 256 * 1024
_LONGEST_LINE = 4096
_OWNER_ALONE = 0o600


class Refused(OSError):
    """The proxy answered a command with an error number; the connection is as good as before."""

    def __init__(self, command: str, number: int) -> None:
        super().__init__(f"the I/O proxy answered {number} to {command}")
        self.number = number


class Status(NamedTuple):
    """A file at the access point: size in bytes, and last change in the access point's epoch seconds."""

    size: int
    changed: int


class Proxy:
    """One connection. OSError where it cannot be had or is lost, Refused where it holds; not for several threads."""

    def __init__(self, config: str) -> None:
        host, port, cookie = config.split()[:3]
        self._socket = socket.create_connection((host, int(port)), _TIMEOUT)
        self._answers = self._socket.makefile("rb")
        self._call(f"cookie {cookie}")

    def create(self, name: str) -> int:
        """Make the file ``name``, or make it empty; a handle to write to it. It is its owner's alone."""
        self._data(self._call(f"lookup {name}"), _LONGEST_LINE)
        handle = self._call(f"open {name} wct {_OWNER_ALONE}")
        self._answers.readline(_LONGEST_LINE)  # what stat says of the file
        return handle

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """Put ``data`` at byte ``offset`` of a file made by ``create``."""
        self._call(f"pwrite {handle} {len(data)} {offset}", data)

    def put(self, name: str, data: bytes) -> None:
        """Put a file in place, whole; it is its owner's alone."""
        self.put_partial(name, data)
        self.rename(f"{name}.partial", name)

    def put_partial(self, name: str, data: bytes) -> None:
        """As ``put``, but under the name ``name.partial``."""
        self._call(f"putfile {name}.partial {_OWNER_ALONE} {len(data)}")
        if data:
            self._socket.sendall(data)
            self._number("putfile")

    def get(self, name: str, most: int) -> bytes:
        """The content of a file. OSError where that is more than ``most`` bytes."""
        if self.status(name).size > most:
            raise OSError(f"{name} has more than {most} bytes")
        return self._data(self._call(f"getfile {name}"), most)

    def status(self, name: str) -> Status:
        """Size and time of a file."""
        self._call(f"stat {name}")
        words = self._answers.readline(_LONGEST_LINE).split()
        return Status(int(words[7]), int(words[11]))

    def attribute(self, name: str) -> str:
        """The text of an attribute of the job's ad, as its shadow has it; ``UNDEFINED`` where it has none."""
        return self._data(self._call(f"get_job_attr {name}"), _LONGEST_LINE).decode("utf-8", "replace").strip()

    def rename(self, name: str, target: str) -> None:
        """Give a file another name, in place of what has that name."""
        self._call(f"rename {name} {target}")

    def names(self, folder: str) -> List[str]:
        """The names of the files in a folder; none where there is no such folder."""
        try:
            length = self._call(f"getdir {folder}")
        except Refused as error:
            if error.number == ABSENT:
                return []
            raise
        return self._data(length, _LONGEST_LISTING).decode("utf-8", "replace").split()

    def close(self) -> None:
        """End the connection."""
        self._answers.close()
        self._socket.close()

    def _data(self, length: int, most: int) -> bytes:
        if length > most:
            raise OSError(f"the I/O proxy sends {length} bytes where {most} were expected at most")
        data = self._answers.read(length)
        if len(data) != length:
            raise OSError("the I/O proxy closed the connection")
        return data

    def _call(self, command: str, data: bytes = b"") -> int:
        """The number that answers a command, sent with ``data`` behind it."""
        self._socket.sendall(command.encode() + b"\n" + data)
        return self._number(command.split()[0])

    def _number(self, command: str) -> int:
        answer = self._answers.readline(64)
        if not answer:
            raise OSError("the I/O proxy closed the connection")
        number = int(answer)
        if number < 0:
            raise Refused(command, number)
        return number
