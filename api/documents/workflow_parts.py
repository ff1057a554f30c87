"""What a workflow consists of: its jobs, its policies, and whom to tell."""

from typing import Literal

from pydantic import Field

from api.documents.base import Document
from api.documents.factories import JobReference
from api.documents.job import Entries, Job
from api.documents.policies import MAX_RETRIES, Placement
from api.documents.references import WorkflowArtifact


class WorkflowJob(Job):
    """A job of a workflow: it has a name, and may have files of other jobs of the workflow as artifacts.

    Otherwise it is as a job on its own: one task at least is not a sidecar; procsPerNode of a task is at most the CPUs that a
    node of the job can have; two inputs never name the same file.
    """

    name: JobReference = Field(description="Name of the job, unique in the workflow.")
    artifacts: Entries[WorkflowArtifact] = Field(
        default=(), description="Files and archives to fetch for the job, also those that other jobs leave behind."
    )


class WorkflowPolicies(Document):
    """The policies of a workflow; those left out have the documented defaults."""

    maximum_retries: int = Field(
        default=0, ge=0, le=MAX_RETRIES, description="How often each failed job of the workflow is run again."
    )
    maximum_reruns: int = Field(
        default=0, ge=0, le=MAX_RETRIES, description="How often what failed and what never ran is run again."
    )
    leave_in_queue: bool = Field(
        default=False, description="Whether the finished workflow stays in the queue until it is removed."
    )
    placement: Placement = Field(
        default=Placement(), description="Where all jobs of the workflow must and had better run."
    )


class WorkflowNotification(Document):
    """A message to the user about the workflow."""

    event: Literal["workflowFinished"] = Field(description="What the message is about.")
    type: Literal["email"] = Field(description="How the message is sent.")
