"""The job's description, ``job.json``, as the service wrote and validated it, made into typed values."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from worker.errors import JobFileError, TaskUnsupportedError
from worker.staging.documents import Artifact, artifact
from worker.storage.documents import Storage, storage

VERSION = 1

SINGULARITY = "singularity"
UDOCKER = "udocker"
BASIC = "basic"
SIDECAR = "sidecar"
_RUNTIMES = (SINGULARITY, UDOCKER)
_TYPES = (BASIC, SIDECAR)


class Credential(NamedTuple):
    """What opens a private registry."""

    username: str
    token: str


class Task(NamedTuple):
    """One container to run. ``command`` is empty for the image's own; ``type`` is BASIC or SIDECAR;
    ``number`` is its place among the job's tasks, from 0.

    Every kind of image runs under Apptainer, so that is the ``runtime`` where the description names none.
    """

    image: str
    command: Tuple[str, ...] = ()
    env: Dict[str, str] = {}
    workdir: str = ""
    app: str = ""
    stdout: str = ""
    image_sha256: str = ""
    credential: Optional[Credential] = None
    runtime: str = SINGULARITY
    type: str = BASIC
    number: int = 0


class Input(NamedTuple):
    """A small file that travelled inside the description; ``content`` is base64."""

    filename: str
    content: str
    executable: bool


class Policies(NamedTuple):
    """What to do about tasks that fail."""

    maximum_task_retries: int = 0
    ignore_task_failures: bool = False
    report_success_on_task_failure: bool = False


class Checkpoint(NamedTuple):
    """Which files (names and patterns) are saved every ``interval`` seconds, and at eviction within ``vacate`` seconds."""

    files: Tuple[str, ...]
    interval: float
    vacate: float


class Job(NamedTuple):
    """A job: ``resources`` as requested (memory and disk in GB)."""

    name: str
    resources: Dict[str, Any]
    tasks: Tuple[Task, ...]
    inputs: Tuple[Input, ...]
    policies: Policies
    url: str
    parameters: Dict[str, str]
    artifacts: Tuple[Artifact, ...] = ()
    output_files: Tuple[str, ...] = ()
    output_dirs: Tuple[str, ...] = ()
    checkpoint: Optional[Checkpoint] = None
    storage: Optional[Storage] = None


def load(path: Path, number: Optional[int] = None) -> Job:
    """The job described in a file; of a workflow's job the instance ``number``. Raises JobFileError, TaskUnsupportedError."""
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise JobFileError(path.name, error.strerror or str(error)) from error
    except ValueError as error:
        raise JobFileError(path.name, "it is not JSON") from error
    try:
        return parse(document if number is None else _instance(document, number))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise JobFileError(path.name, f"{type(error).__name__}: {error}") from error


def parse(document: Dict[str, Any]) -> Job:
    """The job of a decoded description. Raises KeyError, TypeError or ValueError where it is not one."""
    if document["version"] != VERSION:
        raise ValueError(f"version {document['version']!r} is not known here")
    policies = document.get("policies") or {}
    return Job(
        name=document.get("name") or "",
        resources=dict(document["resources"]),
        tasks=tuple(_task(task, number) for number, task in enumerate(document["tasks"])),
        inputs=tuple(_input(item) for item in document.get("inputs") or ()),
        policies=Policies(
            maximum_task_retries=int(policies.get("maximumTaskRetries") or 0),
            ignore_task_failures=bool(policies.get("ignoreTaskFailures")),
            report_success_on_task_failure=bool(policies.get("reportJobSuccessOnTaskFailure")),
        ),
        url=document.get("url") or "",
        parameters={name: _text(value) for name, value in (document.get("parameters") or {}).items()},
        artifacts=tuple(artifact(item) for item in document.get("artifacts") or ()),
        output_files=tuple(document.get("outputFiles") or ()),
        output_dirs=tuple(document.get("outputDirs") or ()),
        checkpoint=_checkpoint(document.get("checkpoint")),
        storage=storage(document.get("storage")),
    )


def _instance(document: Dict[str, Any], number: int) -> Dict[str, Any]:
    """The description of one instance, from that of all instances of a job."""
    from worker import parameters  # takes long to import, and few jobs need it

    told = document["instances"]
    if told["factory"] is None:
        return document
    values = parameters.instance(told["factory"], number - told["first"])
    return {**parameters.for_instance(document, values), "parameters": values}


def _task(task: Dict[str, Any], number: int) -> Task:
    credential = task.get("imagePullCredential")
    return Task(
        image=task["image"],
        command=tuple(_argv(task.get("cmd"))),
        env={name: _text(value) for name, value in (task.get("env") or {}).items()},
        workdir=task.get("workdir") or "",
        app=task.get("app") or "",
        stdout=task.get("stdout") or "",
        image_sha256=_hexadecimal(task.get("imageSha256") or ""),
        credential=Credential(credential["username"], credential["token"]) if credential else None,
        runtime=_supported("runtime", task.get("runtime"), _RUNTIMES),
        type=_supported("type", task.get("type"), _TYPES),
        number=number,
    )


def _checkpoint(item: Optional[Dict[str, Any]]) -> Optional[Checkpoint]:
    if item is None:
        return None
    return Checkpoint(tuple(item["files"]), float(item["interval"]), float(item["vacate"]))


def _supported(field: str, value: Optional[str], supported: Tuple[str, ...]) -> str:
    """The value, the first of those ``supported`` where none is given."""
    if value is not None and value not in supported:
        raise TaskUnsupportedError(field, value, supported[0])
    return value or supported[0]


def _argv(command: Optional[str]) -> List[str]:
    return shlex.split(command, posix=True) if command else []


def _input(item: Dict[str, Any]) -> Input:
    return Input(item["filename"], item["content"], bool(item.get("executable")))


def _hexadecimal(digest: str) -> str:
    return digest.lower().split(":", 1)[-1]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
