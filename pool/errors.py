"""What the pool can answer instead of an answer."""

from __future__ import annotations


class PoolError(Exception):
    """Base of everything this package raises; `detail` is for logs, the message for people."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class PoolUnavailable(PoolError):
    """The pool cannot be reached or does not answer; the same call may succeed later. Nothing was left behind."""

    def __init__(self, detail: str) -> None:
        super().__init__("The queue cannot be reached at the moment: try again in a few seconds.", detail)


class OutcomeUnknown(PoolUnavailable):
    """The pool went away in the middle of a submission: the job may be queued or not. Look again when it is back."""


class SubmissionRefused(PoolError):
    """The queue looked at a job and refused it."""

    def __init__(self, detail: str) -> None:
        super().__init__("The queue refused the job: tell the operators of this service.", detail)
