"""What comes in before the first task and goes out after the last, with what the executor has around it.

HTTP and archives take long to import, and few jobs need them: they are imported where a job does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from worker.errors import WorkerError
from worker.job import Job
from worker.progress import STAGING_OUT
from worker.report import Report

if TYPE_CHECKING:
    from worker.run import Run
    from worker.staging.terms import Terms


def stage_in(this: Run, work: Job, token: str, report: Report) -> None:
    """Fetch the artifacts. Raises ArtifactError."""
    if not work.artifacts:
        return
    from worker.staging import artifacts, upload

    disk = int(float(work.resources["disk"]) * 2**30)
    service = upload.Service(work.url, token)
    artifacts.stage(work.artifacts, this.scratch, disk, service, _terms(this), report.artifacts, this.now)


def stage_out(this: Run, work: Job, token: str, report: Report) -> Optional[WorkerError]:
    """Store the outputs, also of tasks that failed; what is to be said about those that are not stored."""
    if not (work.output_files or work.output_dirs):
        return None
    from worker.staging import outputs, upload

    begun = this.now()
    this.progress.enter(STAGING_OUT)
    service = upload.Service(work.url, token)
    around = outputs.Stage(this.scratch, service, _terms(this), report.outputs, this.now)
    try:
        return outputs.stage(outputs.Wanted(work.output_files, work.output_dirs), around)
    finally:
        report.stage_out_time = this.now() - begun


def _terms(this: Run) -> Terms:
    from worker.staging import terms

    return terms.Terms(this.eviction.check, this.log, moved=this.progress.moved, turned_to=this.progress.turn_to)
