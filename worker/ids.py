"""Who a job is: its id, and its place in a workflow, from the ad that HTCondor leaves beside it."""

from __future__ import annotations

from typing import NamedTuple, Optional

from worker import ads

_INSTANCES = 1_000_000
"""What the id of an instance is made with; the service has the same number (pool/numbers.py)."""


class Ids(NamedTuple):
    """The id of a job, that of the workflow that it is an instance of, and its number there."""

    job: str
    workflow: Optional[str] = None
    number: Optional[int] = None


def of(ad: ads.Ad) -> Ids:
    """The ids of the job with this ad."""
    workflow, number = ads.string(ad, "DAGManJobId"), ads.string(ad, "ProminenceNumber")
    if not (workflow.isdigit() and number.isdigit()):
        return Ids(ads.string(ad, "ClusterId"))
    return Ids(str(int(workflow) * _INSTANCES + int(number)), workflow, int(number))
