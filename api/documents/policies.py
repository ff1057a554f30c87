"""How a job is to be treated: retries, time in the queue, where it may run, and whom to tell."""

from typing import Annotated, Literal

from pydantic import Field

from api.documents.base import Document
from api.documents.text import Word

MAX_RETRIES = 6
MAX_MINUTES = 44_640
"""Minutes in a month of 31 days."""
MAX_PRIORITY = 2_147_483_647
"""HTCondor's job priorities are 32-bit integers."""
MAX_PLACES = 1000

Places = Annotated[tuple[Word, ...], Field(strict=False, fail_fast=True, max_length=MAX_PLACES)]


class Where(Document):
    """Sites and regions, by name."""

    sites: Places = Field(default=(), description="Names of sites, the preferred first.")
    regions: Places = Field(default=(), description="Names of regions, the preferred first.")


class Placement(Document):
    """Where a job must run and where it had better run."""

    requirements: Where | None = Field(default=None, description="The job runs only there.")
    preferences: Where | None = Field(default=None, description="The job runs there if it can.")


class Policies(Document):
    """The policies of a job; those left out have the documented defaults."""

    nullable = frozenset({"auto_scaling_type", "maximum_idle_time_per_resource"})

    maximum_retries: int = Field(
        default=0,
        ge=0,
        le=MAX_RETRIES,
        description="How often a failed job is run again. Runs that a worker failed or lost do not count.",
    )
    maximum_task_retries: int = Field(
        default=0, ge=0, le=MAX_RETRIES, description="How often a failed task is run again."
    )
    maximum_time_in_queue: int = Field(
        default=-1,
        ge=-1,
        le=MAX_MINUTES,
        description="Minutes the job may wait in the queue; 0: until it starts or a deployment fails; "
        "-1: without limit.",
    )
    leave_in_queue: bool = Field(
        default=False, description="Whether the finished job stays in the queue until it is removed."
    )
    ignore_task_failures: bool = Field(
        default=False, description="Whether the tasks after a failed task run all the same."
    )
    report_job_success_on_task_failure: bool = Field(
        default=False, description="Whether a workflow takes the job for successful when a task of it failed."
    )
    run_serial_tasks_on_all_nodes: bool = Field(
        default=False,
        description="Whether tasks that are not MPI run on every node rather than on the first; with one node they run once.",
    )
    priority: int = Field(
        default=0,
        ge=-MAX_PRIORITY,
        le=MAX_PRIORITY,
        description="Order among the user's own idle jobs: the higher goes first.",
    )
    auto_scaling_type: Literal["none", "dedicated", "shared", None] = Field(
        default=None,
        description="Which new resources may be made for the job; null leaves it to the service.",
    )
    preemptible: bool = Field(default=False, description="Whether the job may run on resources that can be withdrawn.")
    maximum_idle_time_per_resource: int | None = Field(
        default=None,
        ge=0,
        le=MAX_MINUTES,
        description="Minutes that resources made for the job are kept idle; null leaves it to the service.",
    )
    placement: Placement = Field(default=Placement(), description="Where the job must and had better run.")


class Notification(Document):
    """A message to the user about the job."""

    event: Literal["jobFinished"] = Field(description="What the message is about.")
    type: Literal["email"] = Field(description="How the message is sent.")
