"""The PROMINENCE client: the `prominence` command and a Python library.

    import prominence

    client = prominence.Client.from_environment()
    job_id = client.create_job({"resources": {"cpus": 1, "memory": 1}, "tasks": [{"image": "busybox"}]})
    job = client.wait(job_id)
    print(client.stdout(job_id).decode())

Everything that goes wrong is a `prominence.Error` whose message tells the reader what to do.
"""

from prominence.client import Client
from prominence.errors import (
    Error,
    Forbidden,
    InvalidInput,
    NoSuchJob,
    NoSuchWorkflow,
    NotAuthenticated,
    Refused,
    StillActive,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
    WorkflowStillActive,
)
from prominence.jobs import Document
from prominence.transport import Backoff
from prominence.version import __version__
from prominence.workflows import Workflows

__all__ = [
    "Backoff",
    "Client",
    "Document",
    "Error",
    "Forbidden",
    "InvalidInput",
    "NoSuchJob",
    "NoSuchWorkflow",
    "NotAuthenticated",
    "Refused",
    "StillActive",
    "Unavailable",
    "UnexpectedAnswer",
    "Unreachable",
    "WorkflowStillActive",
    "Workflows",
    "__version__",
]
