"""The provisioner's conversation with the pool: each call gives a future, and none ever blocks the caller.

Calls are made one after the other by a thread that waits for the child process. One that is not answered in time costs the
child its life, and those that wait behind it go to a new one: so no call waits longer than all before it may take.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from cloud_provisioner.errors import PoolSilent
from cloud_provisioner.observing.answers import Observation, Spoken
from cloud_provisioner.observing.process import Child
from cloud_provisioner.planning.reasons import Waiting


class Session:
    """The pool whose access point is `schedd`, asked through a process of its own.

    `patience` is for each call, in seconds; `environ` is added to the child's environment, such as CONDOR_CONFIG.
    A future has the result, or raises PoolSilent.
    """

    def __init__(self, schedd: str, patience: float, environ: Mapping[str, str] | None = None) -> None:
        self._schedd, self._patience, self._environ = schedd, patience, dict(environ or {})
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pool")
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._closed = False

    def observe(self) -> Future[Observation]:
        """A look at idle jobs and workers."""
        return self._thread.submit(self._call, "observe")

    def say(self, reasons: Sequence[Waiting], budget: float = 0.5) -> Future[Spoken]:
        """Tells the jobs of the last look why they wait, as far as `budget` seconds allow, the oldest first."""
        return self._thread.submit(self._call, "say", tuple(reasons), budget)

    def depart(self, servers: Iterable[str]) -> Future[None]:
        """Takes workers that are gone for good, by the uuid of their server, out of the collector."""
        return self._thread.submit(self._call, "depart", tuple(servers))

    @property
    def child_pid(self) -> int | None:
        """The process that speaks to the pool, None while there is none."""
        child = self._child
        return None if child is None else child.pid

    def close(self) -> None:
        """Ends the child and every call that waits for it."""
        with self._lock:
            self._closed, child = True, self._child
        if child is not None:
            child.end()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _call(self, name: str, *arguments: Any) -> Any:
        try:
            return self._started().ask(name, arguments, self._patience)
        except PoolSilent as error:
            if error.lost:
                self._end_child()
            raise

    def _started(self) -> Child:
        with self._lock:
            if self._closed:
                raise PoolSilent("the conversation is over")
            fresh = self._child is None
            if self._child is None:
                self._child = Child(self._schedd, self._environ)
            child = self._child
        if fresh:
            child.wait_for_start()
        return child

    def _end_child(self) -> None:
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.end()
