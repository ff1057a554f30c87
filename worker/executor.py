"""The executor's one run: read the job, stage its inputs, run its tasks, write the report whatever happened."""

from __future__ import annotations

import os
import socket
import time
from io import FileIO
from pathlib import Path
from typing import Callable, Dict, Mapping, Optional, Set

from worker import (
    ads,
    checkpoints,
    ending,
    environment,
    exchange,
    ids,
    images,
    inputs,
    job,
    live,
    machine,
    memory,
    progress,
    runs,
    runtimes,
    stages,
    storage,
    tasks,
)
from worker.errors import DeletedError, JobFileError, WorkerError
from worker.exitcodes import ExitCode
from worker.launch import Launcher
from worker.processes import Evicted, Eviction
from worker.report import COMPLETED, Reason, Report
from worker.run import Log, Run
from worker.running import Running
from worker.scratch import Scratch
from worker.serving import Serving
from worker.sidecars import Sidecars


def main(environ: Mapping[str, str], now: Callable[[], float] = time.time) -> ExitCode:
    """Run the job in the scratch directory that ``environ`` names (else the current one)."""
    eviction = Eviction()
    eviction.install()
    scratch = Scratch(Path(environ.get("_CONDOR_SCRATCH_DIR") or Path.cwd()))
    with FileIO(scratch.log_file, "a") as stream:
        log = Log(stream, now)
        running = Running()
        moment = progress.Progress(now)
        look = live.start(scratch.root, log, moment.document)
        exchange.start(scratch.root, Serving(scratch, running, log).answer, log)
        code = execute(Run(scratch, environ, eviction, running, log, now, moment))
        if code == ExitCode.EVICTED:
            look()
        return code


def execute(this: Run) -> ExitCode:
    """Run the job and leave ``report.json``, whatever happens in between; the executor's exit code."""
    report = Report(this.now())
    try:
        code = _guarded(this, report)
        this.eviction.settle()
    except Evicted:
        code = ending.evicted(report)
    report.end_time = this.now()
    code = ending.leave(report, this.scratch, code, this.log)
    this.log(f"ended with exit code {int(code)}, reason {report.reason.code if report.reason else 'none'}")
    return code


def _guarded(this: Run, report: Report) -> ExitCode:
    """Run the job; every error but the order to stop becomes an exit code and the report's reason."""
    try:
        return _run_job(this, report)
    except WorkerError as error:
        return ending.failed(report, error)
    except Exception as error:  # noqa: BLE001  (the edge of the program: the report must say that it was its fault)
        return ending.unexpected(report, error, this.log)


def _run_job(this: Run, report: Report) -> ExitCode:
    scratch, environ, log = this.scratch, this.environ, this.log
    here = machine.describe(
        ads.read(environ.get("_CONDOR_MACHINE_AD")), _text(Path("/proc/cpuinfo")), socket.gethostname()
    )
    report.machine = here
    ad = ads.read(environ.get("_CONDOR_JOB_AD"))
    report.runs = runs.of(ad)
    scratch.create()
    cache = _image_cache(here.image_cache, scratch, log)
    report.write(scratch.report_file)
    who = ids.of(ad)
    _check_wanted(this, who)
    work = job.load(scratch.job_file, who.number)
    report.runtime_versions = _versions({task.runtime for task in work.tasks}, cache)
    log(f"{len(work.tasks)} task(s), {len(work.inputs)} input(s)")
    begun = this.now()
    this.progress.enter(progress.STAGING_IN)
    inputs.stage(work.inputs, scratch.home, report.inputs)
    token = _token(scratch)
    stages.stage_in(this, work, token, report)
    variables = environment.contract(work, here, who, token)
    source = images.Source(
        scratch, here.image_dirs, here.registry_mirror, cache, this.eviction, log, images.Kept(), this.progress.moved
    )
    mounting = storage.mounted(work.storage, scratch, this.eviction, log)
    with mounting as mount, checkpoints.of(work, this, token, report) as grace:
        report.stage_in_time = this.now() - begun
        with Sidecars(this.eviction, this.now) as beside, memory.watching(here, this.running, beside, report) as watch:
            launcher = Launcher(
                variables,
                source,
                this.running,
                beside,
                lambda: ending.tell(report, scratch),
                this.progress,
                work.artifacts,
                grace,
                mount,
            )
            ways = tasks.Ways(launcher.obtain, watch.guarding(launcher.launch), launcher.accompany)
            failure = tasks.run_all(work.tasks, work.policies, ways, report.tasks, this.now)
        lost = stages.stage_out(this, work, token, report)
        if mount is not None:
            mount.settle()
    code = verdict(report, work.policies, failure, len(work.tasks))
    if lost is not None and code == ExitCode.OK:
        raise lost
    if lost is not None and report.reason is not None:
        report.reason = report.reason._replace(message=f"{report.reason.message} {lost.message}")
    return code


def _versions(used: Set[str], cache: Path) -> Dict[str, str]:
    """The versions of the container runtimes that are used, as far as they are there."""
    ask = {
        job.SINGULARITY: lambda: machine.runtime_version(cache, environment.TOOL_PATH),
        job.UDOCKER: runtimes.udocker_version,
    }
    known = {runtime: ask[runtime]() for runtime in sorted(used)}
    return {runtime: version for runtime, version in known.items() if version}


def _check_wanted(this: Run, who: ids.Ids) -> None:
    """Raise DeletedError where the job was deleted while it waited for its turn: its workflow does not know that."""
    if who.number is None:
        return
    from worker.checkpoints import fate

    if fate.is_deleted(this.scratch.root, this.log):
        raise DeletedError


def _image_cache(shared: str, scratch: Scratch, log: Log) -> Path:
    """The worker's shared cache where this user may write to it, else one of the job's own."""
    if shared and os.access(shared, os.W_OK | os.X_OK):
        return Path(shared)
    if shared:
        log(f"the image cache {shared} cannot be written to; images go to the scratch directory")
    return scratch.images


def verdict(report: Report, policies: job.Policies, failure: Optional[tasks.Failure], total: int) -> ExitCode:
    """Settle state and reason of a job whose tasks ran, up to the first ``failure`` or all ``total``; the exit code."""
    report.state = COMPLETED
    if failure is None:
        return ExitCode.OK
    if total == 1:
        message = f"The task exited with code {failure.exit_code}."
    else:
        message = f"Task {failure.task + 1} of {total} exited with code {failure.exit_code}."
    if failure.not_run:
        message += f" The {failure.not_run} after it did not run."
    report.reason = Reason("taskFailed", message)
    forgiven = policies.ignore_task_failures or policies.report_success_on_task_failure
    return ExitCode.OK if forgiven else ExitCode.TASK_FAILED


def _token(scratch: Scratch) -> str:
    try:
        return scratch.token_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise JobFileError(scratch.token_file.name, error.strerror or str(error)) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
