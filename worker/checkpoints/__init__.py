"""Files that a job names are saved to the object store while it runs, and brought back when it starts again elsewhere.

`files` finds and packs them, `remote` speaks to the service, `saving` decides when, `fate` knows whether there is a next run.
Nothing is imported here: few jobs have checkpoints, and an executor should start fast.

Races thought of:
- A save is cut off at any point: the store takes an upload whole or not at all, so the checkpoint before it stays.
- A program writes while its files are read: what changed meanwhile is read again. Nobody can see from outside that a program is
  in the middle of a file but has paused; one that writes a new file and renames it has no such moment.
- The last save, at eviction, must not be overtaken by one that was on its way: that one is ended first.
- A worker that is cut off goes on saving: HTCondor starts the job elsewhere only after the lease of the job, at the end of
  which it has ended it on the first worker.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Callable, ContextManager

from worker import ending
from worker.job import Job
from worker.report import Report

if TYPE_CHECKING:
    from worker.run import Run


def of(work: Job, this: Run, token: str, report: Report) -> ContextManager[Callable[[], float]]:
    """A block for all tasks of a job, in which its checkpoints are saved, if it has any.

    Its value gives the seconds that a task has, when the job is told to stop, to write down where it is and end. Raises
    CheckpointNotRestoredError where the block would begin.
    """
    if work.checkpoint is None:
        return nullcontext(lambda: 0.0)
    from worker.checkpoints import fate, record, saving
    from worker.staging.upload import Service

    report.checkpoint = record.Record()
    around = saving.Around(
        scratch=this.scratch,
        service=Service(work.url, token),
        eviction=this.eviction,
        progress=this.progress,
        log=this.log,
        now=this.now,
        runs_again=lambda: fate.runs_again(this.scratch.root, this.log),
        changed=lambda: ending.tell(report, this.scratch),
    )
    return saving.Saving(work.checkpoint, around, report.checkpoint, int(float(work.resources["disk"]) * 2**30))
