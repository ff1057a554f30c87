"""What a valid document may ask for that this server does not do: refused at once, by name, rather than accepted and ignored.

Each row is a field and a test of the model. A row goes when the feature comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from api.documents.job import Job
from api.errors import NotAvailable

_Test = Callable[[Job], bool]

_UNAVAILABLE: tuple[tuple[str, str, _Test], ...] = (
    ("resources.nodes", "jobs on several nodes", lambda job: job.resources.effective_nodes > 1),
)


def check(job: Job, within: str = "", *, objects: bool = True) -> None:
    """Raises NotAvailable with the first field that asks for something this server does not do; `within` stands before it.

    `objects` says whether it has object storage.
    """
    if job.checkpoint is not None and not objects:
        raise NotAvailable(
            f"{within}checkpoint: this server has no object storage to keep one in: leave it out.",
            f"{within}checkpoint",
        )
    for field, what in _asked(job):
        raise NotAvailable(f"{within}{field}: {what} is not available on this server: leave it out.", within + field)


def _asked(job: Job) -> Iterator[tuple[str, str]]:
    for field, what, asks in _UNAVAILABLE:
        if asks(job):
            yield field, what
    for number, task in enumerate(job.tasks):
        if task.type not in ("basic", "sidecar"):
            yield f"tasks[{number}].type", f"the task type {task.type}"
