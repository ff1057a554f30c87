"""Answers requests that the service leaves for the running job: run a command in it, take a snapshot of its files.

A request is a file ``exchange/<id>.request`` in the job's folder at the access point, the answer ``exchange/<id>.answer``. One
look a second costs one call to the I/O proxy.

Races thought of:
- A request is taken by renaming it, which only one run of the executor can do and only once: nothing runs twice, and what an
  executor took before it was killed is lost, which the service sees from the job.
- The service may have died, or given up: a request older than its time limit is dropped. Its age is the difference of two
  times of the access point's own file system, so the clocks need not agree.
- An answer that cannot be delivered is kept and tried again until nobody can be waiting for it.
"""

from __future__ import annotations

import json
import queue
import re
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from worker.chirp import CONFIG_FILE, Proxy, Refused

FOLDER = "exchange"
INTERVAL = 1.0
"""Seconds between two looks."""
AT_ONCE = 4
"""Requests of one job that are served at a time; one more is refused."""
_REQUEST = re.compile(r"([0-9a-f]{32})\.request")
_LARGEST_REQUEST = 1024 * 1024
_LONGEST = 24 * 3600
_KEEP = 60.0
"""Seconds for which an answer that cannot be delivered is kept."""


class Request(NamedTuple):
    """What is asked for; ``seconds`` are what is left of its time limit."""

    name: str
    document: Dict[str, Any]
    seconds: float


class _Answered(NamedTuple):
    name: str
    answer: Dict[str, Any]
    when: float


class Desk:
    """Takes requests, has ``serve`` answer each in a thread of its own, delivers the answers.

    ``serve`` gives a JSON document and raises nothing. ``clock`` counts seconds.
    """

    def __init__(
        self,
        config: Path,
        serve: Callable[[Request], Dict[str, Any]],
        connect: Callable[[str], Proxy] = Proxy,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._serve = serve
        self._connect = connect
        self._clock = clock
        self._proxy: Optional[Proxy] = None
        self._busy = 0
        self._finished: "queue.SimpleQueue[_Answered]" = queue.SimpleQueue()
        self._undelivered: List[_Answered] = []

    def advance(self, patience: float) -> None:
        """Deliver what is finished, waiting up to ``patience`` seconds for something that is; then look for requests.

        After an error the next call connects again; OSError says what it was.
        """
        self._collect(patience)
        try:
            if self._proxy is None:
                self._proxy = self._connect(self._config.read_text(encoding="utf-8"))
            self._deliver(self._proxy)
            for name in self._proxy.names(FOLDER):
                match = _REQUEST.fullmatch(name)
                if match:
                    self._take(self._proxy, match.group(1))
        except (OSError, ValueError) as error:
            if self._proxy is not None:
                self._proxy.close()
            self._proxy = None
            raise OSError(str(error)) from error

    def _collect(self, patience: float) -> None:
        try:
            while True:
                self._undelivered.append(self._finished.get(timeout=patience))
                self._busy -= 1
                patience = 0.001
        except queue.Empty:
            return

    def _deliver(self, proxy: Proxy) -> None:
        while self._undelivered:
            answered = self._undelivered[0]
            if self._clock() - answered.when < _KEEP:
                proxy.put(f"{FOLDER}/{answered.name}.answer", json.dumps(answered.answer).encode())
            self._undelivered.pop(0)

    def _take(self, proxy: Proxy, name: str) -> None:
        taken, answer = (f"{FOLDER}/{name}.{kind}" for kind in ("taken", "answer"))
        try:
            proxy.rename(f"{FOLDER}/{name}.request", taken)
            text = proxy.get(taken, _LARGEST_REQUEST)
            proxy.put_partial(answer, b"")
            age = proxy.status(f"{answer}.partial").changed - proxy.status(taken).changed
        except Refused:
            return  # it was withdrawn meanwhile
        document = _parsed(text)
        # Times come in whole seconds: an age may be one too many, which is not held against the request.
        seconds = min(_number(document.get("timeout")), _LONGEST) - max(0, age - 1)
        if seconds <= 0:
            return
        self._busy += 1
        if self._busy > AT_ONCE:
            self._finish(name, refusal("busy", f"The job serves {AT_ONCE} requests at the moment: try again."))
        else:
            request = Request(name, document, seconds)
            threading.Thread(target=self._work, args=(request,), daemon=True).start()

    def _work(self, request: Request) -> None:
        self._finish(request.name, self._serve(request))

    def _finish(self, name: str, answer: Dict[str, Any]) -> None:
        self._finished.put(_Answered(name, answer, self._clock()))


def refusal(code: str, message: str) -> Dict[str, Any]:
    """The answer that the request was not fulfilled: a code for programs, a sentence for people."""
    return {"refused": {"code": code, "message": message}}


def start(scratch: Path, serve: Callable[[Request], Dict[str, Any]], log: Callable[[str], None]) -> None:
    """Serve in the background until the executor ends; without a proxy there is nothing to do."""
    config = scratch / CONFIG_FILE
    if config.exists():
        threading.Thread(target=_attend, args=(Desk(config, serve), log), daemon=True).start()


def _attend(desk: Desk, log: Callable[[str], None]) -> None:
    said = ""
    while True:
        try:
            desk.advance(INTERVAL)
        except OSError as error:
            if str(error) != said:
                said = str(error)
                log(f"requests cannot be seen for now: {said}")


def _parsed(text: bytes) -> Dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
