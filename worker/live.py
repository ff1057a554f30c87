"""What the job does, seen while it runs: its streams, its report and its progress are copied to the access point as they grow.

HTCondor brings all of them back whole when the job ends, over these copies; so whatever goes wrong here costs a look and no
output. Writes go by offset: repeating one after a lost connection is harmless.

A job that starts again, maybe elsewhere, writes its streams anew. Readers tell that by the run's name in the file ``run``,
which is put in place after the streams were made empty and before anything is written to them: who reads some text and
after that finds the same name as before knows that it belongs together.
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

from worker.chirp import CONFIG_FILE, Proxy

STREAMS = {"_condor_stdout": "stdout", "_condor_stderr": "stderr"}
"""A stream's file in the scratch directory -> its file at the access point."""
RUN_FILE = "run"
"""File at the access point with the name of the run that its streams are of."""
REPORT_FILE = "report.json"
PROGRESS_FILE = "progress.json"
"""File at the access point with what the job does at the moment, which means nothing afterwards."""
INTERVAL = 1.0
"""Seconds between two looks."""
PROGRESS_INTERVAL = 2.0
"""Seconds from one progress to the next at least; one that is the same as the last is not sent."""
_LAST_LOOK = 5.0
"""Seconds that the last look may take."""
_CHUNK = 256 * 1024
_LARGEST_REPORT = 2**20


class Copies:
    """The copies of one job's streams, report and progress, and how far each has come. ``run`` is this run's name."""

    def __init__(
        self,
        scratch: Path,
        run: str,
        progress: Callable[[], Optional[Dict[str, Any]]] = lambda: None,
        connect: Callable[[str], Proxy] = Proxy,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scratch = scratch
        self._run = run
        self._progress = progress
        self._connect = connect
        self._clock = clock
        self._told: Optional[Dict[str, Any]] = None
        self._told_at = clock()  # of a job that ends at once nothing is told
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
            self._tell_progress(self._proxy)
        except (OSError, ValueError) as error:
            if self._proxy is not None:
                self._proxy.close()
            self._proxy = None
            raise OSError(str(error)) from error

    def _begin(self, proxy: Proxy) -> None:
        self._handles = {stream: proxy.create(name) for stream, name in STREAMS.items()}
        self._done = dict.fromkeys(STREAMS, 0)
        self._report = None
        self._told = None
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

    def _tell_progress(self, proxy: Proxy) -> None:
        now, moment = self._clock(), self._progress()
        if moment is None or moment == self._told or now - self._told_at < PROGRESS_INTERVAL:
            return
        proxy.put(PROGRESS_FILE, json.dumps(moment).encode())
        self._told, self._told_at = moment, now


def start(
    scratch: Path, log: Callable[[str], None], progress: Callable[[], Optional[Dict[str, Any]]]
) -> Callable[[], None]:
    """Copy in the background until the executor ends; without a proxy there is nothing to do.

    What is returned takes a last look: of a job that is told to stop HTCondor brings nothing back.
    """
    over = threading.Event()
    copies = Copies(scratch, os.urandom(16).hex(), progress)
    following = threading.Thread(target=_follow, args=(copies, log, over), daemon=True)
    if not (scratch / CONFIG_FILE).exists():
        return lambda: None
    following.start()

    def look() -> None:
        over.set()
        following.join(_LAST_LOOK)

    return look


def _follow(copies: Copies, log: Callable[[str], None], over: threading.Event) -> None:
    said, last = "", False
    while not last:
        last = over.is_set()
        try:
            copies.advance()
        except OSError as error:
            if str(error) != said:
                said = str(error)
                log(f"output is not shown for now: {said}")
        over.wait(INTERVAL)
