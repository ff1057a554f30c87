"""A job as a user describes it: the body of ``POST /jobs``, valid on its own and against nothing else.

A ``Job`` that exists obeys every rule of the contract, so nothing behind it checks again. It is frozen; its
two mappings (``labels``, ``env``) are plain dicts that nobody may change.
"""

import posixpath
from typing import Annotated, Self, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from api.documents.base import Document, Says, at_most, broken
from api.documents.checkpoint import Checkpoint
from api.documents.policies import Notification, Policies
from api.documents.resources import Resources
from api.documents.staging import Artifact, InputFile, OutputPath
from api.documents.storage import Storage
from api.documents.tasks import Task
from api.documents.text import JobName, LabelKey, LabelValue

MAX_ENTRIES = 1000
"""Entries in each list of a job."""
MAX_LABELS = 256

T = TypeVar("T")
_NOT_ONLY_SIDECARS = Says({"contains": {"not": {"properties": {"type": {"const": "sidecar"}}, "required": ["type"]}}})

Entries = Annotated[tuple[T, ...], Field(strict=False, fail_fast=True, max_length=MAX_ENTRIES)]


class Job(Document):
    """A job: tasks in containers, what they need, and what to do with them.

    One task at least is not a sidecar; procsPerNode of a task is at most the CPUs that a node of the job can have; two
    inputs never name the same file.
    """

    name: JobName = Field(default="", description="Name of the job; it need not be unique.")
    labels: Annotated[dict[LabelKey, LabelValue], BeforeValidator(at_most(MAX_LABELS))] = Field(
        default_factory=dict, max_length=MAX_LABELS, description="Labels to find the job by."
    )
    resources: Resources = Field(
        description="What each node of the job needs: cpus, memory (GB), disk (GB), walltime (minutes)."
    )
    tasks: Annotated[Entries[Task], _NOT_ONLY_SIDECARS] = Field(
        min_length=1, description="The tasks, run in this order; at least one is not a sidecar."
    )
    inputs: Entries[InputFile] = Field(default=(), description="Small files to put into the job's directory.")
    artifacts: Entries[Artifact] = Field(default=(), description="Files and archives to fetch for the job.")
    output_files: Entries[OutputPath] = Field(
        default=(), description="Files to keep when the job is done; glob patterns are allowed."
    )
    output_dirs: Entries[OutputPath] = Field(
        default=(), description="Directories to keep, as archives, when the job is done."
    )
    checkpoint: Checkpoint | None = Field(
        default=None, description="Files to save now and then, and to bring back when the job starts again elsewhere."
    )
    storage: Storage | None = Field(default=None, description="A remote file system to mount in the job.")
    policies: Policies = Field(default=Policies(), description="How the job is to be treated.")
    notifications: Entries[Notification] = Field(default=(), description="Messages to send about the job.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if all(task.type == "sidecar" for task in self.tasks):
            raise broken("must have at least one task that is not a sidecar", "tasks")
        self._check_processes()
        self._check_inputs()
        return self

    def _check_processes(self) -> None:
        cpus = self.resources.cpus_max
        for index, task in enumerate(self.tasks):
            if task.procs_per_node is not None and task.procs_per_node > cpus:
                raise broken(
                    f"must be at most the CPUs of a node ({cpus}), not {task.procs_per_node}",
                    *("tasks", index, "procsPerNode"),
                )

    def _check_inputs(self) -> None:
        seen: set[str] = set()
        for index, name in enumerate(posixpath.normpath(entry.filename) for entry in self.inputs):
            if name in seen:
                raise broken("names the same file as an earlier input", "inputs", index, "filename")
            seen.add(name)
