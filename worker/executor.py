"""The executor's one run: read the job, stage its inputs, run its tasks, write the report whatever happened."""

from __future__ import annotations

import os
import pwd
import socket
import time
from functools import partial
from pathlib import Path
from typing import Callable, Mapping, Optional, TextIO

from worker import ads, container, environment, images, inputs, job, live, machine, tasks
from worker.errors import JobFileError, RuntimeUnavailableError, WorkerError
from worker.exitcodes import ExitCode
from worker.processes import Ended, Evicted, Eviction, run
from worker.report import COMPLETED, FAILED, Reason, Report
from worker.scratch import Scratch, create_below

_NAMESPACE_SWITCHES = ("/proc/sys/user/max_user_namespaces", "/proc/sys/kernel/unprivileged_userns_clone")
_RUNTIME_FAILED = 255


class Log:
    """The executor's own log, one line an event; the job's streams belong to its tasks alone."""

    def __init__(self, stream: TextIO, now: Callable[[], float]) -> None:
        self._stream = stream
        self._now = now

    def __call__(self, text: str) -> None:
        """Write one line, after the time in epoch seconds."""
        self._stream.write(f"{self._now():.3f} {text}\n")
        self._stream.flush()


def main(environ: Mapping[str, str], now: Callable[[], float] = time.time) -> ExitCode:
    """Run the job in the scratch directory that ``environ`` names (else the current one)."""
    eviction = Eviction()
    eviction.install()
    scratch = Scratch(Path(environ.get("_CONDOR_SCRATCH_DIR") or Path.cwd()))
    with scratch.log_file.open("a", encoding="utf-8") as stream:
        log = Log(stream, now)
        live.start(scratch.root, log)
        return execute(scratch, environ, eviction, log, now)


def execute(
    scratch: Scratch, environ: Mapping[str, str], eviction: Eviction, log: Log, now: Callable[[], float]
) -> ExitCode:
    """Run the job and leave ``report.json``, whatever happens in between; the executor's exit code."""
    report = Report(now())
    try:
        code = _guarded(scratch, environ, eviction, report, log, now)
        eviction.settle()
    except Evicted:
        code = _failed(report, ExitCode.EVICTED, "evicted", "The job was told to stop before it had ended.")
    report.end_time = now()
    report.write(scratch.report_file)
    log(f"ended with exit code {int(code)}, reason {report.reason.code if report.reason else 'none'}")
    return code


def _guarded(
    scratch: Scratch,
    environ: Mapping[str, str],
    eviction: Eviction,
    report: Report,
    log: Log,
    now: Callable[[], float],
) -> ExitCode:
    """Run the job; every error but the order to stop becomes an exit code and the report's reason."""
    try:
        return _run_job(scratch, environ, eviction, report, log, now)
    except WorkerError as error:
        return _failed(report, error.exit_code, error.code, error.message)
    except Exception as error:  # noqa: BLE001  (the edge of the program: the report must say that it was its fault)
        import traceback

        log(traceback.format_exc())
        return _failed(report, ExitCode.INTERNAL, "internalError", _apology(error))


def _run_job(
    scratch: Scratch,
    environ: Mapping[str, str],
    eviction: Eviction,
    report: Report,
    log: Log,
    now: Callable[[], float],
) -> ExitCode:
    here = machine.describe(
        ads.read(environ.get("_CONDOR_MACHINE_AD")), _text(Path("/proc/cpuinfo")), socket.gethostname()
    )
    report.machine = here
    scratch.create()
    cache = _image_cache(here.image_cache, scratch, log)
    report.runtime_version = machine.runtime_version(cache, environment.TOOL_PATH)
    report.write(scratch.report_file)
    work = job.load(scratch.job_file)
    log(f"{len(work.tasks)} task(s), {len(work.inputs)} input(s)")
    begun = now()
    inputs.stage(work.inputs, scratch.home)
    report.stage_in_time = now() - begun
    job_id = ads.string(ads.read(environ.get("_CONDOR_JOB_AD")), "ClusterId")
    variables = environment.contract(work, here, job_id, _token(scratch))
    failure = tasks.run_all(
        work.tasks,
        work.policies,
        partial(_obtain, images.Source(scratch, here.image_dirs, here.registry_mirror, cache, eviction, log)),
        partial(_launch, scratch, variables, eviction, log),
        report.tasks,
        now,
    )
    return verdict(report, work.policies, failure, len(work.tasks))


def _image_cache(shared: str, scratch: Scratch, log: Log) -> Path:
    """The worker's shared cache where this user may write to it, else one of the job's own."""
    if shared and os.access(shared, os.W_OK | os.X_OK):
        return Path(shared)
    if shared:
        log(f"the image cache {shared} cannot be written to; images go to the scratch directory")
    return scratch.images


def _obtain(source: images.Source, task: job.Task) -> images.Image:
    source.eviction.check()
    image = images.obtain(task, source)
    source.log(f"image {task.image}: {'cached' if image.cached else 'fetched'}, {image.path}")
    return image


def _launch(
    scratch: Scratch, variables: Mapping[str, str], eviction: Eviction, log: Log, task: job.Task, image: images.Image
) -> Ended:
    argv = container.command(task, image.path, scratch)
    env = environment.for_container(scratch.tools, environment.inside(task.env, variables))
    stdout = create_below(scratch.home, task.stdout) if task.stdout else None
    try:
        ended = run(argv, env, eviction, stdout=stdout)
    finally:
        if stdout is not None:
            os.close(stdout)
    log(f"task ended with exit code {ended.exit_code}")
    if ended.exit_code == _RUNTIME_FAILED:
        _check_runtime()
    return ended


def _check_runtime() -> None:
    """Raise RuntimeUnavailableError where it is certain that Apptainer could not have started a container."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError as error:
        raise RuntimeUnavailableError(f"the user {os.getuid()} has no account there") from error
    for switch in _NAMESPACE_SWITCHES:
        if _text(Path(switch)).strip() == "0":
            raise RuntimeUnavailableError(f"user namespaces are switched off ({switch} is 0)")


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
