"""Output while the job runs: what its streams gained is copied to the access point, through the starter's I/O proxy.

HTCondor brings the streams back whole when the job ends, over these copies; so whatever goes wrong here costs a look and no
output. Writes go by offset: repeating one after a lost connection is harmless.

The proxy speaks HTCondor's Chirp protocol: a line with a command, an answer line with a number, negative for a refusal.
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Callable, Dict

CONFIG_FILE = ".chirp.config"
STREAMS = {"_condor_stdout": "stdout", "_condor_stderr": "stderr"}
"""A stream's file in the scratch directory -> its file at the access point."""
INTERVAL = 1.0
"""Seconds between two looks."""
_CHUNK = 256 * 1024
_TIMEOUT = 30.0


class Refused(OSError):
    """The proxy answered a command with an error number."""


class Proxy:
    """A connection to the starter's I/O proxy. OSError where it cannot be had or is lost; not for several threads."""

    def __init__(self, config: str) -> None:
        host, port, cookie = config.split()[:3]
        self._socket = socket.create_connection((host, int(port)), _TIMEOUT)
        self._answers = self._socket.makefile("rb")
        self._call(f"cookie {cookie}")

    def open(self, name: str) -> int:
        """A handle of the file ``name`` at the access point, made empty."""
        handle = self._call(f"open {name} wct 384")
        self._answers.readline(1024)  # what stat says of the file, which nobody asked for
        return handle

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """Put ``data`` at byte ``offset``."""
        self._call(f"pwrite {handle} {len(data)} {offset}", data)

    def close(self) -> None:
        """End the connection."""
        self._answers.close()
        self._socket.close()

    def _call(self, command: str, data: bytes = b"") -> int:
        self._socket.sendall(command.encode() + b"\n" + data)
        line = self._answers.readline(64)
        if not line:
            raise OSError("the I/O proxy closed the connection")
        number = int(line)
        if number < 0:
            raise Refused(f"the I/O proxy answered {number} to {command.split()[0]}")
        return number


class Copies:
    """The copies of one job's streams, and how far each has come."""

    def __init__(self, scratch: Path, connect: Callable[[str], Proxy] = Proxy) -> None:
        self._scratch = scratch
        self._connect = connect
        self._done: Dict[str, int] = dict.fromkeys(STREAMS, 0)
        self._handles: Dict[str, int] = {}
        self._proxy: Proxy | None = None

    def advance(self) -> None:
        """Copy what is new. After an error the next call connects again and begins anew; OSError says what it was."""
        try:
            if self._proxy is None:
                self._proxy = self._connect((self._scratch / CONFIG_FILE).read_text())
                self._handles = {stream: self._proxy.open(name) for stream, name in STREAMS.items()}
                self._done = dict.fromkeys(STREAMS, 0)
            for stream in STREAMS:
                self._advance(self._proxy, stream)
        except (OSError, ValueError) as error:
            if self._proxy is not None:
                self._proxy.close()
            self._proxy = None
            raise OSError(str(error)) from error

    def _advance(self, proxy: Proxy, stream: str) -> None:
        with (self._scratch / stream).open("rb") as file:
            file.seek(self._done[stream])
            while data := file.read(_CHUNK):
                proxy.write(self._handles[stream], data, self._done[stream])
                self._done[stream] += len(data)


def start(scratch: Path, log: Callable[[str], None]) -> None:
    """Copy in the background until the executor ends; without a proxy there is nothing to do."""
    if (scratch / CONFIG_FILE).exists():
        copies = Copies(scratch)
        threading.Thread(target=_follow, args=(copies, log, threading.Event()), daemon=True).start()


def _follow(copies: Copies, log: Callable[[str], None], never: threading.Event) -> None:
    said = ""
    while True:
        try:
            copies.advance()
        except OSError as error:
            if str(error) != said:
                said = str(error)
                log(f"output is not shown for now: {said}")
        never.wait(INTERVAL)
