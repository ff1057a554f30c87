"""What the job does, seen while it runs: its streams and its report are copied to the access point as they grow.

HTCondor brings all of them back whole when the job ends, over these copies; so whatever goes wrong here costs a look and no
output. Writes go by offset: repeating one after a lost connection is harmless.

A job that starts again, maybe elsewhere, writes its streams anew. Readers tell that by the run's name in the file ``run``,
which is put in place after the streams were made empty and before anything is written to them: who reads some text and
after that finds the same name as before knows that it belongs together.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Callable, Dict, Optional, Tuple

from worker.chirp import CONFIG_FILE, Proxy

STREAMS = {"_condor_stdout": "stdout", "_condor_stderr": "stderr"}
"""A stream's file in the scratch directory -> its file at the access point."""
RUN_FILE = "run"
"""File at the access point with the name of the run that its streams are of."""
REPORT_FILE = "report.json"
INTERVAL = 1.0
"""Seconds between two looks."""
_CHUNK = 256 * 1024
_LARGEST_REPORT = 2**20


class Copies:
    """The copies of one job's streams and report, and how far each has come. ``run`` is this run's name."""

    def __init__(self, scratch: Path, run: str, connect: Callable[[str], Proxy] = Proxy) -> None:
        self._scratch = scratch
        self._run = run
        self._connect = connect
        self._done: Dict[str, int] = {}
        self._handles: Dict[str, int] = {}
        self._report: Optional[Tuple[int, int]] = None
        self._proxy: Optional[Proxy] = None

    def advance(self) -> None:
        """Copy what is new. After an error the next call connects again and begins anew; OSError says what it was."""
        try:
            if self._proxy is None:
                self._proxy = self._connect((self._scratch / CONFIG_FILE).read_text(encoding="utf-8"))
                self._begin(self._proxy)
            for stream in STREAMS:
                self._advance(self._proxy, stream)
            self._copy_report(self._proxy)
        except (OSError, ValueError) as error:
            if self._proxy is not None:
                self._proxy.close()
            self._proxy = None
            raise OSError(str(error)) from error

    def _begin(self, proxy: Proxy) -> None:
        self._handles = {stream: proxy.create(name) for stream, name in STREAMS.items()}
        self._done = dict.fromkeys(STREAMS, 0)
        self._report = None
        proxy.put(RUN_FILE, self._run.encode())

    def _advance(self, proxy: Proxy, stream: str) -> None:
        with (self._scratch / stream).open("rb") as file:
            file.seek(self._done[stream])
            while data := file.read(_CHUNK):
                proxy.write(self._handles[stream], data, self._done[stream])
                self._done[stream] += len(data)

    def _copy_report(self, proxy: Proxy) -> None:
        try:
            with (self._scratch / REPORT_FILE).open("rb") as file:
                data = file.read(_LARGEST_REPORT)
                status = os.fstat(file.fileno())
        except FileNotFoundError:
            return
        version = (status.st_ino, status.st_mtime_ns)
        if version != self._report and len(data) < _LARGEST_REPORT:
            proxy.put(REPORT_FILE, data)
            self._report = version


def start(scratch: Path, log: Callable[[str], None]) -> None:
    """Copy in the background until the executor ends; without a proxy there is nothing to do."""
    if (scratch / CONFIG_FILE).exists():
        copies = Copies(scratch, os.urandom(16).hex())
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
