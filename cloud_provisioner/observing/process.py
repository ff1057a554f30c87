"""A child process that speaks to the pool, as its parent sees it, and its own main loop.

A call is a name and arguments, the answer a pair: whether it worked, and the result or a sentence. The child ends with the
connection, and so with its parent; while it waits for a daemon it can only be killed.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from cloud_provisioner.errors import PoolSilent

START = 60.0
"""Seconds that the child may take until it can be asked something."""
_SPAWN = multiprocessing.get_context("spawn")


class Child:
    """A child process for the pool's access point `schedd`. `environ` is what it has in its environment beside its parent's."""

    def __init__(self, schedd: str, environ: Mapping[str, str]) -> None:
        ours, theirs = _SPAWN.Pipe()
        self._connection = ours
        self._process = _SPAWN.Process(target=_serve, args=(theirs, schedd, dict(environ)), name="pool", daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._process.pid

    def wait_for_start(self) -> None:
        """Returns when it can be asked something; PoolSilent where it does not come up."""
        self._within(START, lambda: self._connection.recv())

    def ask(self, name: str, arguments: tuple[Any, ...], patience: float) -> Any:
        """The result of a call. PoolSilent where the pool could not be had; or after `patience` seconds, or where the child has
        ended: then it is of no more use."""

        def call() -> Any:
            self._connection.send((name, arguments))
            return self._connection.recv()

        worked, result = self._within(patience, call)
        if not worked:
            raise PoolSilent(result)
        return result

    def end(self) -> None:
        """Kills it, wherever it is. May be called from another thread than the one that waits for its answer."""
        self._process.kill()
        self._process.join(5)

    def _within(self, patience: float, call: Callable[[], Any]) -> Any:
        # Sending may block as well as receiving, when the child has been stopped: its end unblocks both.
        late = threading.Timer(patience, self._process.kill)
        late.daemon = True
        late.start()
        try:
            return call()
        except (OSError, EOFError) as error:
            why = "the process that speaks to it has ended" if late.is_alive() else f"no answer within {patience:g} s"
            raise PoolSilent(why, lost=True) from error
        finally:
            late.cancel()


def _serve(connection: Connection, schedd: str, environ: Mapping[str, str]) -> None:
    # A Ctrl-C at the terminal is for the parent, which ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(environ)
    # HTCondor reads its configuration when it is imported.
    from cloud_provisioner.observing.observer import Observer
    from pool.errors import PoolError
    from pool.head import Head

    observer = Observer(Head(schedd))
    calls: dict[str, Callable[..., Any]] = {"observe": observer.observe, "say": observer.say, "depart": observer.depart}
    with contextlib.suppress(EOFError, OSError):
        connection.send((True, None))
        while True:
            name, arguments = connection.recv()
            try:
                answer = True, calls[name](*arguments)
            except PoolError as error:
                answer = False, error.detail or str(error)
            except Exception as error:  # noqa: BLE001  (the next call may fare better)
                answer = False, _fault(error)
            connection.send(answer)


def _fault(error: Exception) -> str:
    """What a fault of our own says, and where it is."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"the look at it failed at {Path(last.filename).name}:{last.lineno} ({type(error).__name__}: {error})"
