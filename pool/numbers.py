"""Ids of jobs.

A job that was submitted alone has its ClusterId as its id. An instance of a workflow's job has one that is made of the
workflow's ClusterId and of its own number in the workflow: it is known before the instance is in the queue, and stays when
the instance is queued anew. ClusterIds lie between FIRST_CLUSTER and LAST_CLUSTER (condor_config/submit.conf), so an id is one
or the other.
"""

from __future__ import annotations

FIRST_CLUSTER = 1_000
LAST_CLUSTER = 999_999_999
MOST_INSTANCES = 1_000_000
"""Instances that a workflow may have."""
LARGEST_ID = (LAST_CLUSTER + 1) * MOST_INSTANCES - 1
"""The largest id that there can be; it has 15 digits, so every JSON reader keeps it exact."""


def instance_id(workflow: int, number: int) -> int:
    """The id of instance `number`, from 0, of the workflow with that ClusterId."""
    return workflow * MOST_INSTANCES + number


def instance_of(job_id: int) -> tuple[int, int] | None:
    """The workflow's ClusterId and the instance's number; None where the id is a ClusterId itself."""
    return divmod(job_id, MOST_INSTANCES) if job_id > LAST_CLUSTER else None
