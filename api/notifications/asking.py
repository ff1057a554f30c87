"""What a user may ask to be told, and the refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.documents.job import Job
from api.documents.workflow import Workflow
from api.errors import NotAvailable
from api.notifications.addresses import Addresses, is_address
from identity.caller import Caller


@dataclass(frozen=True)
class Notices:
    """Messages that users ask for; `offered` says whether this server sends any."""

    addresses: Addresses
    offered: bool

    def check_job(self, job: Job, caller: Caller) -> None:
        """Raises NotAvailable where the job asks for a message that cannot be sent."""
        if job.notifications:
            self._check(caller)

    def check_workflow(self, workflow: Workflow, caller: Caller) -> None:
        """Raises NotAvailable where the workflow, or a job of it, asks for a message that cannot be sent."""
        for index, job in enumerate(workflow.jobs):
            if job.notifications:
                # A sweep would send a hundred thousand.
                field = f"jobs[{index}].notifications"
                raise NotAvailable(
                    f"{field}: jobs of a workflow send no messages of their own: leave it out, and ask for "
                    "workflowFinished in the notifications of the workflow.",
                    field,
                )
        if workflow.notifications:
            self._check(caller)

    def keep(self, asked: Job | Workflow, submission: str, caller: Caller, facts: Mapping[str, Any]) -> None:
        """Notes where the message goes, where a checked document asks for one. Raises OSError.

        `facts` are the attributes that never change of the job or workflow.
        """
        if asked.notifications and caller.email is not None:
            self.addresses.keep(submission, caller.email, facts if asked.policies.leave_in_queue else None)

    def discard(self, submission: str) -> None:
        """Forgets the address of a submission that came to nothing."""
        self.addresses.discard(submission)

    def _check(self, caller: Caller) -> None:
        if not self.offered:
            raise _refused("this server sends no messages: leave it out.")
        if caller.email is None:
            raise _refused(
                "your token carries no e-mail address: get one with the scope email, or leave notifications out."
            )
        if not is_address(caller.email):
            raise _refused("the e-mail address in your token is none that mail can be sent to: leave it out.")


def _refused(why: str) -> NotAvailable:
    return NotAvailable(f"notifications: {why}", "notifications")
