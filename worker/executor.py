"""The executor's one run: read the job, stage its inputs, run its tasks, write the report whatever happened."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Callable, Dict, Mapping, NamedTuple, Optional, Set, TextIO

from worker import ads, environment, exchange, images, inputs, job, live, machine, runtimes, tasks
from worker.errors import JobFileError, WorkerError
from worker.exitcodes import ExitCode
from worker.launch import Launcher
from worker.processes import Evicted, Eviction
from worker.report import COMPLETED, FAILED, Reason, Report
from worker.running import Running
from worker.scratch import Scratch
from worker.serving import Serving
from worker.sidecars import Sidecars


class Log:
    """The executor's own log, one line an event; the job's streams belong to its tasks alone."""

    def __init__(self, stream: TextIO, now: Callable[[], float]) -> None:
        self._stream = stream
        self._now = now

    def __call__(self, text: str) -> None:
        """Write one line, after the time in epoch seconds."""
        self._stream.write(f"{self._now():.3f} {text}\n")
        self._stream.flush()


class Run(NamedTuple):
    """What one run of the executor has around it. ``now`` gives epoch seconds."""

    scratch: Scratch
    environ: Mapping[str, str]
    eviction: Eviction
    running: Running
    log: Log
    now: Callable[[], float]


def main(environ: Mapping[str, str], now: Callable[[], float] = time.time) -> ExitCode:
    """Run the job in the scratch directory that ``environ`` names (else the current one)."""
    eviction = Eviction()
    eviction.install()
    scratch = Scratch(Path(environ.get("_CONDOR_SCRATCH_DIR") or Path.cwd()))
    with scratch.log_file.open("a", encoding="utf-8") as stream:
        log = Log(stream, now)
        running = Running()
        live.start(scratch.root, log)
        exchange.start(scratch.root, Serving(scratch, running, log).answer, log)
        return execute(Run(scratch, environ, eviction, running, log, now))


def execute(this: Run) -> ExitCode:
    """Run the job and leave ``report.json``, whatever happens in between; the executor's exit code."""
    report = Report(this.now())
    try:
        code = _guarded(this, report)
        this.eviction.settle()
    except Evicted:
        code = _failed(report, ExitCode.EVICTED, "evicted", "The job was told to stop before it had ended.")
    report.end_time = this.now()
    report.write(this.scratch.report_file)
    this.log(f"ended with exit code {int(code)}, reason {report.reason.code if report.reason else 'none'}")
    return code


def _guarded(this: Run, report: Report) -> ExitCode:
    """Run the job; every error but the order to stop becomes an exit code and the report's reason."""
    try:
        return _run_job(this, report)
    except WorkerError as error:
        return _failed(report, error.exit_code, error.code, error.message)
    except Exception as error:  # noqa: BLE001  (the edge of the program: the report must say that it was its fault)
        import traceback

        this.log(traceback.format_exc())
        return _failed(report, ExitCode.INTERNAL, "internalError", _apology(error))


def _run_job(this: Run, report: Report) -> ExitCode:
    scratch, environ, log = this.scratch, this.environ, this.log
    here = machine.describe(
        ads.read(environ.get("_CONDOR_MACHINE_AD")), _text(Path("/proc/cpuinfo")), socket.gethostname()
    )
    report.machine = here
    scratch.create()
    cache = _image_cache(here.image_cache, scratch, log)
    report.write(scratch.report_file)
    work = job.load(scratch.job_file)
    report.runtime_versions = _versions({task.runtime for task in work.tasks}, cache)
    log(f"{len(work.tasks)} task(s), {len(work.inputs)} input(s)")
    begun = this.now()
    inputs.stage(work.inputs, scratch.home)
    _stage_in(this, work, report)
    report.stage_in_time = this.now() - begun
    job_id = ads.string(ads.read(environ.get("_CONDOR_JOB_AD")), "ClusterId")
    variables = environment.contract(work, here, job_id, _token(scratch))
    source = images.Source(scratch, here.image_dirs, here.registry_mirror, cache, this.eviction, log)
    with Sidecars(this.eviction, this.now) as beside:
        launcher = Launcher(
            variables, source, this.running, beside, lambda: report.write(scratch.report_file), work.artifacts
        )
        ways = tasks.Ways(launcher.obtain, launcher.launch, launcher.accompany)
        failure = tasks.run_all(work.tasks, work.policies, ways, report.tasks, this.now)
    lost = _stage_out(this, work, report)
    code = verdict(report, work.policies, failure, len(work.tasks))
    if lost is not None and code == ExitCode.OK:
        raise lost
    if lost is not None and report.reason is not None:
        report.reason = report.reason._replace(message=f"{report.reason.message} {lost.message}")
    return code


def _stage_in(this: Run, work: job.Job, report: Report) -> None:
    """Fetch the artifacts. Raises ArtifactError."""
    if not work.artifacts:
        return
    from worker.staging import artifacts, terms  # HTTP and archives take long to import, and few jobs need them

    disk = int(float(work.resources["disk"]) * 2**30)
    around = terms.Terms(this.eviction.check, this.log)
    artifacts.stage(work.artifacts, this.scratch, disk, around, report.artifacts, this.now)


def _stage_out(this: Run, work: job.Job, report: Report) -> Optional[WorkerError]:
    """Store the outputs, also of tasks that failed; what is to be said about those that are not stored."""
    if not (work.output_files or work.output_dirs):
        return None
    from worker.staging import outputs, terms, upload

    begun = this.now()
    service = upload.Service(work.url, _token(this.scratch))
    around = outputs.Stage(this.scratch, service, terms.Terms(this.eviction.check, this.log), report.outputs, this.now)
    try:
        return outputs.stage(outputs.Wanted(work.output_files, work.output_dirs), around)
    finally:
        report.stage_out_time = this.now() - begun


def _versions(used: Set[str], cache: Path) -> Dict[str, str]:
    """The versions of the container runtimes that are used, as far as they are there."""
    ask = {
        job.SINGULARITY: lambda: machine.runtime_version(cache, environment.TOOL_PATH),
        job.UDOCKER: runtimes.udocker_version,
    }
    known = {runtime: ask[runtime]() for runtime in sorted(used)}
    return {runtime: version for runtime, version in known.items() if version}


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


def _failed(report: Report, exit_code: ExitCode, code: str, message: str) -> ExitCode:
    report.state = FAILED
    report.reason = Reason(code, message)
    return exit_code


def _apology(error: Exception) -> str:
    return (
        f"The service's executor failed on the worker ({type(error).__name__}); "
        "submit the job again, and tell the service's administrators if this repeats."
    )


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
