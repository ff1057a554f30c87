"""How a run ends: the report in place, also on a full disk, and what an error of the system means for the job."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import Callable

from worker.errors import DiskFullError, WorkerError
from worker.exitcodes import ExitCode
from worker.report import FAILED, KILLED, Reason, Report
from worker.scratch import Scratch

_FULL = (errno.ENOSPC, errno.EDQUOT)


def failed(report: Report, error: WorkerError) -> ExitCode:
    """Settle state and reason of a job that ends with this error; the exit code."""
    report.state = KILLED if error.exit_code == ExitCode.MEMORY else FAILED
    report.reason = Reason(error.code, error.message)
    return error.exit_code


def evicted(report: Report) -> ExitCode:
    """Settle state and reason of a job that was told to stop; the exit code."""
    report.state = FAILED
    report.reason = Reason("evicted", "The job was told to stop before it had ended.")
    return ExitCode.EVICTED


def unexpected(report: Report, error: Exception, log: Callable[[str], None]) -> ExitCode:
    """Settle state and reason of a job that ends with an error which nobody expected; the exit code."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return failed(report, DiskFullError())
    import traceback  # takes long to import

    log("".join(traceback.format_exception(type(error), error, error.__traceback__)))
    return failed(
        report,
        WorkerError(
            f"The service's executor failed on the worker ({type(error).__name__}); "
            "submit the job again, and tell the service's administrators if this repeats."
        ),
    )


def tell(report: Report, scratch: Scratch) -> None:
    """Put the report in place as it is now, for those who look while the job runs; without space that can wait."""
    with suppress(OSError):
        report.write(scratch.report_file)


def leave(report: Report, scratch: Scratch, code: ExitCode, log: Callable[[str], None]) -> ExitCode:
    """Put the last report in place, with the space that was kept for it; the exit code.

    Where that cannot be done the run counts as one that its worker failed: nobody would learn what became of it.
    """
    scratch.give_up_reserve()
    try:
        report.write(scratch.report_file)
    except OSError as error:
        log(f"the report cannot be written: {error}")
        return ExitCode.INTERNAL
    return code
