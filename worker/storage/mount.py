"""The life of a job's mounted storage: checked, mounted, entered by containers, everything stored, unmounted.

Races thought of: an order to stop may come anywhere, and the program is ended with the block in any case; one that is killed
with the executor is ended by the kernel, and the mount with it (worker/storage/namespace.py); a program that dies while a task
runs is seen before the next task and at the end, and until then fails whatever touches the mount.
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Callable, Iterator, List, NamedTuple, Optional, Tuple

from worker import processes
from worker.errors import RuntimeUnavailableError, WorkerError
from worker.processes import Evicted, Eviction
from worker.runtimes.program import Program
from worker.scratch import Scratch
from worker.staging.terms import Terms
from worker.storage import programs, webdav, writes
from worker.storage.documents import ONEDATA, Storage
from worker.storage.errors import (
    StorageError,
    StorageLostError,
    StorageMountError,
    StorageNotWrittenError,
    StorageUnreachableError,
    StorageUnsupportedError,
)
from worker.storage.namespace import Namespace, has_mounted, within
from worker.storage.programs import Place

MOUNTING = 60.0
"""Seconds for the program to mount."""
ENDING = 60.0
"""Seconds for the program to unmount and end when all is stored."""
EVICTED = 5.0
"""Seconds for what was written, where the executor was told to stop."""
_DEVICE = Path("/dev/fuse")
_TRIES = 4
_LOOK = 0.02
_PAUSE = 0.2


class Around(NamedTuple):
    """What a mount is made with; ``clock`` counts seconds."""

    storage: Storage
    place: Place
    eviction: Eviction
    log: Callable[[str], None]
    clock: Callable[[], float]

    def check_server(self, tries: int) -> None:
        """Ask the server whether it can be used, as far as that can be asked. Raises StorageError."""
        if self.storage.kind != ONEDATA:
            webdav.check(self.storage, Terms(self.eviction.check, self.log, tries=tries))


class Mount:
    """Mounted storage."""

    def __init__(self, around: Around, child: subprocess.Popen[bytes], namespace: Namespace) -> None:
        self._around = around
        self._child = child
        self._namespace = namespace
        self._storage = around.storage
        self._settling = False
        self._ending = False

    @property
    def binds(self) -> List[Tuple[Path, str]]:
        """The directory that it is mounted on, and where that is to be seen in containers."""
        return [(self._around.place.mount, self._storage.mountpoint)]

    def inside(self, program: Program) -> Program:
        """The program as it is started where the mount is."""
        entered = program._replace(argv=self._namespace.entered(program.argv, program.cwd), cwd=None)
        if program.again is None:
            return entered
        again = program.again
        return entered._replace(again=lambda words: self.inside(again(words)))

    def check(self) -> None:
        """Raise StorageLostError where the mount program has ended."""
        code = self._child.poll()
        if code is None or self._ending:
            return
        said = writes.complaints(self._around.place.log)
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        why = f", having said: {said[-1].reason}" if said else ""
        raise StorageLostError(self._storage.shown, f"its mount program {how}{why}")

    def settle(self) -> None:
        """Wait until all that was written is stored at the server, and unmount; without effect the second time.

        Raises StorageLostError, StorageNotWrittenError.
        """
        if self._settling:
            return
        self._settling = True
        self.check()
        begun = self._around.clock()
        self._wait()
        self._ending = True
        if not self._ended_by_itself() and self._storage.kind == ONEDATA:
            detail = f"its mount program did not end within {ENDING:g} s"
            raise StorageNotWrittenError(self._storage.shown, (), detail)
        self._around.log(f"storage: all is stored and unmounted after {self._around.clock() - begun:.1f} s")

    def hurry(self) -> None:
        """Give what was written a few seconds, and say what is not stored by then."""
        deadline = self._around.clock() + EVICTED
        while (left := writes.unsaved(self._around.place.cache)) and self._around.clock() < deadline:
            time.sleep(_PAUSE)
        if left:
            self._around.log(f"storage: {len(left)} file(s) were not stored")

    def _wait(self) -> None:
        around, place = self._around, self._around.place
        start = place.log.stat().st_size
        patience = writes.Patience(around.clock())
        asked = around.clock()
        while left := writes.unsaved(place.cache):
            around.eviction.check()
            self.check()
            now = around.clock()
            idle = patience.idle(now, len(left), writes.written(self._child.pid))
            said = writes.complaints(place.log, start)
            why = writes.refused(left, said)
            if why is None and min(idle, now - asked) >= writes.QUIET:
                asked = now
                why = self._complaint_about_server()
            if why is None and idle >= writes.LIMIT:
                why = said[-1].reason if said else f"nothing was stored for {idle:.0f} s"
            if why is not None:
                raise StorageNotWrittenError(self._storage.shown, left, why)
            time.sleep(_PAUSE)

    def _complaint_about_server(self) -> Optional[str]:
        try:
            self._around.check_server(tries=1)
        except StorageUnreachableError as error:
            return f"the server is out of reach ({error.detail})"
        except StorageError as error:
            return error.message.rstrip(".")
        return None

    def _ended_by_itself(self) -> bool:
        processes.signal_one(self._child.pid, processes.TERM)
        deadline = self._around.clock() + ENDING
        while self._child.poll() is None:
            if self._around.clock() > deadline:
                return False
            time.sleep(_LOOK)
        return True


@contextmanager
def mounted(
    storage: Storage,
    scratch: Scratch,
    eviction: Eviction,
    log: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Mount]:
    """The storage, mounted within the block. What ends the block with an error waits for what was written all the same, and
    the error's message says what could not be stored. Raises StorageError."""
    around = Around(storage, Place.of(scratch), eviction, log, clock)
    begun = clock()
    program = _prepared(around)
    around.check_server(_TRIES)
    with _started(program, around) as child, closing(_namespace(child, around)) as namespace:
        there = Mount(around, child, namespace)
        log(f"mounted {storage.kind} {storage.shown} at {storage.mountpoint} within {clock() - begun:.1f} s")
        try:
            yield there
        except Evicted:
            there.hurry()
            raise
        except WorkerError as error:
            _settle_after(there, error)
            raise


def _settle_after(there: Mount, error: WorkerError) -> None:
    try:
        there.settle()
    except StorageError as another:
        if not isinstance(error, StorageError):
            error.message = f"{error.message} {another.message}"


def _prepared(around: Around) -> programs.Program:
    storage = around.storage
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        raise StorageUnsupportedError(storage.shown, storage.kind, f"jobs cannot use {_DEVICE} there")
    try:
        around.place.create()
    except OSError as error:
        raise StorageMountError(storage.shown, error.strerror or str(error)) from error
    return programs.program(storage, around.place)


@contextmanager
def _started(program: programs.Program, around: Around) -> Iterator[subprocess.Popen[bytes]]:
    """The running mount program, which is ended with the block."""
    child: Optional[subprocess.Popen[bytes]] = None
    try:
        with around.place.log.open("ab") as log, around.eviction.hold():
            child = processes.start(within(program.argv), program.env, log.fileno(), log.fileno(), around.place.root)
        yield child
    except RuntimeUnavailableError as error:
        if child is not None:
            raise
        raise StorageUnsupportedError(around.storage.shown, around.storage.kind, error.detail) from error
    finally:
        if child is not None and child.poll() is None:
            processes.end_tree(child)


def _namespace(child: subprocess.Popen[bytes], around: Around) -> Namespace:
    """The namespaces of the program, once it has mounted. Raises StorageMountError."""
    deadline = around.clock() + MOUNTING
    while not has_mounted(child.pid, around.place.mount):
        around.eviction.check()
        if child.poll() is not None:
            raise StorageMountError(around.storage.shown, _last_words(child.returncode, around.place.log))
        if around.clock() > deadline:
            raise StorageMountError(around.storage.shown, f"it was not there within {MOUNTING:g} s")
        time.sleep(_LOOK)
    namespace = Namespace(child.pid)
    if not namespace.look_at(around.place.mount):
        namespace.close()
        raise StorageMountError(around.storage.shown, "the mounted directory cannot be looked at")
    return namespace


def _last_words(code: int, log: Path) -> str:
    said = writes.complaints(log)
    return said[-1].reason if said else f"its mount program ended with code {code}"
