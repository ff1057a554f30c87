"""The attributes that PROMINENCE adds to HTCondor's ads: the one place where their names and meanings stand.

Operators may use them in constraints: `condor_q -constraint 'ProminenceGroup == "vo.example.eu"'`.
"""

from __future__ import annotations

from enum import StrEnum


class Job(StrEnum):
    """Attributes of job ads."""

    USER = "ProminenceUser"
    """Exact identity of the end user: the subject of the user's token. `Owner` is its safe form."""
    ISSUER = "ProminenceIssuer"
    """Issuer of the user's token; with the subject it names a person."""
    GROUP = "ProminenceGroup"
    """Virtual organisation under which the job was submitted, as configured."""
    DOCUMENT = "ProminenceJob"
    """The job as submitted, JSON in ASCII, without secrets and without the content of inputs."""
    LABELS = "ProminenceLabels"
    """List of "key=value" strings."""
    SUBMISSION = "ProminenceSubmission"
    """Name of the submission, and of the job's folder of files: 32 hexadecimal digits, unique."""
    MAXIMUM_TIME_IN_QUEUE = "ProminenceMaximumTimeInQueue"
    """Seconds that the job may wait before its first start; absent: any time."""
    REQUIRED_SITES = "ProminenceRequiredSites"
    """List of sites on which alone the job may run; absent: any."""
    REQUIRED_REGIONS = "ProminenceRequiredRegions"
    """List of regions in which alone the job may run; absent: any."""
    PREFERRED_SITES = "ProminencePreferredSites"
    """List of sites on which the job rather runs than elsewhere; absent: none."""
    PREFERRED_REGIONS = "ProminencePreferredRegions"
    """List of regions in which the job rather runs than elsewhere; absent: none. A preferred site goes before them."""
    WALLTIME = "ProminenceWalltime"
    """Seconds that one run of the job may take."""
    NUMBER = "ProminenceNumber"
    """Number of the instance among all instances of its workflow, from 0."""
    INSTANCES = "ProminenceInstances"
    """How many instances a workflow has; only the job that is the workflow itself (DAGMan) has this."""
    PARAMETERS = "ProminenceParameters"
    """Parameters of the instance, JSON. Not in the queue, where NUMBER stands for them; in ads that are shown or kept."""


class Machine(StrEnum):
    """Attributes of workers' ads."""

    SITE = "ProminenceSite"
    """Name of the site (cloud) on which the worker runs."""
    REGION = "ProminenceRegion"
    """Region of the site."""
    IMAGE_DIRS = "ProminenceImageDirs"
    """Folders of the worker, separated by colons, below which a job may name images by path."""
    IMAGE_CACHE = "ProminenceImageCache"
    """Folder of the worker in which images are kept for later jobs."""
    REGISTRY_MIRROR = "ProminenceRegistryMirror"
    """Registry that is asked first for Docker Hub names; empty: none."""


AUTHENTICATED_IDENTITY = "AuthenticatedIdentity"
"""Attribute of a worker's ad that the collector sets: who advertised it."""

DELETED_BY_USER = "deleted by its user"
"""RemoveReason of a job that its user deleted through the API."""
COULD_NOT_GO_ON = "could not go on"
"""RemoveReason of a job that the pool's policy took off hold and out of the queue (condor_config/policy.conf)."""
TAKEN_OUT_BY_USER = "taken out of the queue by its user"
"""RemoveReason of a job that had completed, was left in the queue, and was then taken out by its user."""
NEVER_RAN = "never ran"
"""RemoveReason that is told of an instance of a workflow that ended before the instance was in the queue."""
BY_WORKFLOW = "OtherJobRemoveRequirements"
"""What stands in the RemoveReason of a job that the schedd removed with its workflow."""
BY_DAGMAN = "DAG Removed:"
"""What stands in the RemoveReason of one that DAGMan, told to go, removed before."""
