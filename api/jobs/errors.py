"""What can keep a request from reaching a running job, or its answer from coming back."""

from __future__ import annotations

from api.errors import ApiError


class NotRunning(ApiError):
    """The job does not run: `job` is its id, `state` what it is instead."""

    code = "notRunning"

    def __init__(self, job: int, state: str) -> None:
        super().__init__(f"Job {job} is not running (it is {state}): this can be asked of running jobs alone.")
        self.job = job
        self.state = state


class JobStopped(ApiError):
    """The job ended or was moved to another worker before it answered."""

    code = "notRunning"

    def __init__(self) -> None:
        super().__init__("The job is not running any more: it ended, or started anew, before it could answer.")


class NotAnswered(ApiError):
    """The job runs, but nothing came back within the time limit."""

    code = "notAnswered"

    def __init__(self) -> None:
        super().__init__("The job did not answer in time: its worker may be out of reach. Try again.")


class TooManyWaiting(ApiError):
    """As many requests as allowed wait for the job: `limit`."""

    code = "tooManyWaiting"

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} requests wait for this job already: try again when they have ended.")
        self.limit = limit


class RequestRefused(ApiError):
    """The job's executor would not or could not do it; `code` and message are its own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ServiceBusy(ApiError):
    """As many long requests of this kind run as this process serves at a time: `limit`."""

    status = 503
    code = "busy"

    def __init__(self, limit: int) -> None:
        super().__init__("The service is busy with other requests of this kind: try again in a few seconds.")
        self.limit = limit


class NoSnapshot(ApiError):
    """Nobody took a snapshot of the job yet."""

    code = "noSnapshot"

    def __init__(self, job: int) -> None:
        super().__init__(f"There is no snapshot of job {job} yet: take one while it runs.")
        self.job = job
