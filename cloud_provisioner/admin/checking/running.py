"""The worker of a check: it joins the pool and runs a job that does nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cloud_provisioner.admin.checking.report import StepFailed
from cloud_provisioner.admin.tables import counted
from pool.attributes import AUTHENTICATED_IDENTITY
from pool.binding import parsed
from pool.errand import Errand
from pool.errors import PoolError, PoolUnavailable

if TYPE_CHECKING:
    from pool.head import Collecting


class Pool(Protocol):
    """What is needed of `pool.errands.Errands`."""

    def check(self) -> None:
        """Raises PoolUnavailable where the access point does not answer."""
        ...

    def collected(self, now: float) -> Collecting:
        """All workers."""
        ...

    def send(self, server: str, identity: str, until: float) -> int:
        """Queues a job."""
        ...

    def errand(self, number: int) -> Errand:
        """How it stands."""
        ...

    def remove(self, ids: Sequence[int], reason: str) -> int:
        """Takes it out of the queue."""
        ...

    def invalidate(self, servers: Iterable[str]) -> None:
        """Takes the worker's ad out of the collector."""
        ...


@dataclass
class CheckWorker:
    """The worker on the server `uuid`. `until` is when its job is over in any case, epoch seconds; `ticks` never go back."""

    pool: Pool
    uuid: str
    until: float
    ticks: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    step: float = 0.5
    identity: str = field(default="", init=False)
    """As whom the collector knows it, once it has joined."""
    job: int | None = field(default=None, init=False)

    def look(self) -> str:
        """Whether the pool can be asked at all. PoolUnavailable."""
        self.pool.check()
        return f"{counted(len(self.pool.collected(0.0).slots), 'worker')}; the access point answers"

    def join(self, deadline: float) -> str:
        """Waits for it until a time of `ticks`. StepFailed."""
        trouble = ""
        while True:
            try:
                ads = self.pool.collected(0.0).slots
            except PoolUnavailable as error:
                ads, trouble = [], f" The pool did not answer last ({error.detail})."
            for ad in ads:
                identity = str(ad.get(AUTHENTICATED_IDENTITY) or "")
                if parsed(identity).server == self.uuid:
                    self.identity = identity
                    cores = counted(int(ad.get("TotalSlotCpus") or 0), "core")
                    return f"{ad.get('Name')}: {cores}, {ad.get('TotalSlotMemory')} MB"
            if self.ticks() > deadline:
                raise StepFailed(
                    "The worker has not joined the pool in time: look at the server's console, and whether it can reach the "
                    f"pool's head (`pool.head`, `pool.port`).{trouble}"
                )
            self.pause(self.step)

    def run(self, deadline: float) -> str:
        """Runs a job on it, until a time of `ticks`. StepFailed, PoolUnavailable, SubmissionRefused."""
        self.job = self.pool.send(self.uuid, self.identity, self.until)
        while True:
            errand = self.pool.errand(self.job)
            if errand.ended and errand.code == 0:
                return f"job {self.job} has run"
            if errand.ended:
                how = "by a signal" if errand.code is None else f"with exit code {errand.code}"
                raise StepFailed(f"The job {self.job}, /bin/true, ended {how}: look at the worker's StarterLog.")
            if errand.held:
                raise StepFailed(f"The job {self.job} is held: {errand.held}.")
            if self.ticks() > deadline:
                where = f"it runs on {errand.host}" if errand.host else "no match was made"
                raise StepFailed(f"The job {self.job} has not ended in time; {where}: look at the worker's StartLog.")
            self.pause(self.step)

    def take_back(self) -> None:
        """Takes the job out of the queue, as far as that can be had; it goes by itself as well."""
        with suppress(PoolError):
            if self.job is not None:
                self.pool.remove([self.job], "the check of a site is over")

    def depart(self) -> None:
        """Takes the worker, which is gone, out of the pool, likewise."""
        if self.identity:
            with suppress(PoolError):
                self.pool.invalidate([self.uuid])
