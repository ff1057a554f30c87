"""What can go wrong between a user and the service: one base class, one child for each thing a caller may do.

A message is a sentence for the person who reads it, without the command's name before it. Where the service
gave a sentence, that one is passed on.
"""

from __future__ import annotations


class Error(Exception):
    """Base of all errors of this library.

    `message` is a sentence, `status` the HTTP status where an answer arrived, `field` the part of the
    document or the option that is meant (as the user wrote it) where one is known.
    """

    def __init__(self, message: str, *, status: int | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.field = field


class InvalidInput(Error):
    """Something given to the client cannot be used; nothing was sent to the service."""


class NotAuthenticated(Error):
    """The token is missing, has expired or is not accepted (401)."""


class Refused(Error):
    """The service understood the request and will not do it as it stands (400)."""


class Forbidden(Error):
    """The thing asked for belongs to somebody else (403)."""


class NoSuchJob(Error):
    """The caller has no job with the id `job_id`, neither active nor finished."""

    def __init__(self, job_id: int) -> None:
        super().__init__(f"You have no job {job_id}: `prominence list --all` shows those you have.")
        self.job_id = job_id


class NoSuchWorkflow(Error):
    """The caller has no workflow with the id `workflow_id`, neither active nor finished."""

    def __init__(self, workflow_id: int) -> None:
        super().__init__(f"You have no workflow {workflow_id}: `prominence workflow list --all` shows those you have.")
        self.workflow_id = workflow_id


class Unavailable(Error):
    """The service answers that it cannot work now (429, 502, 503, 504), also after retries.

    `retry_after` is in how many seconds it asked to be tried again, None where it did not say.
    """

    def __init__(self, message: str, *, status: int, retry_after: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class Unreachable(Error):
    """No answer arrived: name, network, certificate or time-out, also after retries."""


class UnexpectedAnswer(Error):
    """An answer arrived which is none of the service's own: a wrong address, a proxy, an internal error."""


class StillActive(Error):
    """The job `job_id` had not ended when the time to wait was over (`timeout` seconds)."""

    def __init__(self, job_id: int, timeout: float) -> None:
        super().__init__(f"Job {job_id} has not ended after {timeout:g} s: `prominence wait {job_id}` waits on.")
        self.job_id = job_id
        self.timeout = timeout


class WorkflowStillActive(Error):
    """The workflow `workflow_id` had not ended when the time to wait was over (`timeout` seconds)."""

    def __init__(self, workflow_id: int, timeout: float) -> None:
        super().__init__(
            f"Workflow {workflow_id} has not ended after {timeout:g} s: `prominence workflow wait {workflow_id}` waits on."
        )
        self.workflow_id = workflow_id
        self.timeout = timeout
