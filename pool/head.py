"""The pool as the provisioner sees it: all idle jobs, all workers, and a few things to write.

Races thought of, beside those of `pool/session.py`:

- A job leaves the queue between the look at it and the edit of its ad: the schedd may then refuse all edits of that call. It
  is halved until the job that is gone stands alone.
- A schedd that has never seen the provisioner lets it write nothing, because the record of its rights is made with its first
  job: it introduces itself with a job of its own, removed at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import classad2
import htcondor2

from pool import demand
from pool.attributes import AUTHENTICATED_IDENTITY, Job, Machine
from pool.session import Ad, Pool
from pool.submission import constraint_string, literal

JobId = tuple[int, int]
"""ClusterId and ProcId."""

OWNER = "provisioner"
"""The Owner of the job by which the provisioner introduces itself: its identity without the domain."""
IDLE = (
    "ClusterId",
    "ProcId",
    Job.DEMAND,
    "QDate",
    "EnteredCurrentStatus",
    "NumJobStarts",
    Job.REASON,
    Job.REASON_TEXT,
    Job.REASON_SITE,
)
"""What is looked at of every idle job."""
SLOT = (
    "Name",
    "State",
    "Draining",
    "NumDynamicSlots",
    "Cpus",
    "Memory",
    "Disk",
    "TotalSlotCpus",
    "TotalSlotMemory",
    "TotalSlotDisk",
    AUTHENTICATED_IDENTITY,
    Machine.SERVER,
    Machine.CLOUD_ID,
    Machine.SITE,
    Machine.REGION,
    Machine.PURPOSE,
    Machine.PREEMPTIBLE,
)
"""What is looked at of every worker."""

_WAITS = f"JobStatus == 1 && (JobUniverse == 5 || JobUniverse == 11) && {Job.DEMAND} isnt undefined"
_FEW = 32
"""Jobs that are asked for by their ids; of more, all idle ones from the first to the last are read."""
_LOGGED = htcondor2.TransactionFlag.NonDurable | htcondor2.TransactionFlag.ShouldLog
"""The API tells a single job's reason from its event log. A reason that a crash of the schedd takes away is written again."""
_LEFT = "nonexistent job"


class Collecting(NamedTuple):
    """The collector's answer: a slot ad for each worker, and since when it has been collecting, epoch seconds."""

    slots: list[Ad]
    up_since: float


class Head(Pool):
    """Collector and schedd of one pool, for the provisioner. HTCondor's configuration comes from the environment."""

    _introduced = False

    def idle(self) -> list[Ad]:
        """The idle jobs that have a DEMAND, with the attributes of IDLE."""
        return self.query(_WAITS, IDLE)

    def whole(self, jobs: Sequence[JobId]) -> list[Ad]:
        """Idle jobs with DEMAND and all that decides where they can run: at least those of `jobs`, in ascending order, that
        are still idle."""
        if not jobs:
            return []
        these = " || ".join(f"(ClusterId == {cluster} && ProcId == {proc})" for cluster, proc in jobs)
        if len(jobs) > _FEW:
            # The schedd would go through all of that for every job that it has.
            these = f"ClusterId >= {jobs[0][0]} && ClusterId <= {jobs[-1][0]}"
        return self.query(f"{_WAITS} && ({these})", (Job.DEMAND, *demand.ATTRIBUTES))

    def collected(self, now: float) -> Collecting:
        """All workers. A collector that cannot tell how long it has been up counts as started `now`."""
        kind = htcondor2.AdType.Collector
        found = self._repeated(
            lambda: htcondor2.Collector().query(kind, "true", ["StatsLifetime", "StatsLastUpdateTime"])
        )
        known = found[0] if found and "StatsLifetime" in found[0] else None
        up_since = now if known is None else float(known["StatsLastUpdateTime"] - known["StatsLifetime"])
        return Collecting(self.machines(SLOT), up_since)

    def edit(self, attribute: str, text: str | None, jobs: Sequence[JobId]) -> None:
        """Sets an attribute of these jobs to a text that is `escaped`, or to undefined. Jobs that have left are left out."""
        self._introduce_once()
        value = "undefined" if text is None else literal(text)
        self._repeated(lambda: self._edit(attribute, value, [f"{cluster}.{proc}" for cluster, proc in jobs]))

    def invalidate(self, servers: Iterable[str]) -> None:
        """Takes the ads of the workers on these servers (uuids) out of the collector, so that nothing is matched with them."""
        names = ", ".join(constraint_string(uuid) for uuid in servers)
        ad = classad2.ClassAd({"MyType": "Query", "TargetType": "Machine"})
        ad["Requirements"] = classad2.ExprTree(f"member({Machine.SERVER}, {{{names}}})")
        self._repeated(lambda: htcondor2.Collector().advertise([ad], "INVALIDATE_STARTD_ADS"))

    def _edit(self, attribute: str, value: str, jobs: list[str]) -> None:
        try:
            self._located().edit(jobs, attribute, value, flags=_LOGGED)
        except htcondor2.HTCondorException as error:
            if _LEFT not in str(error):
                raise
            half = len(jobs) // 2
            for part in (jobs[:half], jobs[half:]) if half else ():
                self._edit(attribute, value, part)

    def _introduce_once(self) -> None:
        if self._introduced:
            return
        self.make_sure()
        known = f"Owner == {constraint_string(OWNER)}"
        if not self._ask(lambda schedd: schedd.queryUserAds(known, ["Owner"])):
            self._repeated(self._introduce)
        self._introduced = True
