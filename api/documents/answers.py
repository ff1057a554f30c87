"""What the API answers about jobs: models for the documentation and for tests, not on a request's way.

Answers are open: later versions add fields, and a reader lets pass what it does not know. What a user submitted comes
back as it was, without secrets and without the content of inputs.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from api.documents.base import Document
from api.documents.checkpoint import Checkpoint
from api.documents.policies import Notification, Policies
from api.documents.resources import Resources
from api.documents.secret import REDACTED
from api.documents.staging import Artifact
from api.documents.storage import B2dropCredential, OnedataCredential, Storage, WebdavCredential
from api.documents.tasks import ImagePullCredential, Task

Status = Literal["idle", "deploying", "running", "completed", "failed", "killed", "deleted"]
Redacted = Annotated[Literal["[redacted]"], Field(description=f'Always "{REDACTED}": secrets are never shown.')]
JobId = Annotated[
    int, Field(ge=0, description="The id: HTCondor's ClusterId; of an instance in a workflow a longer number.")
]
Epoch = Annotated[int, Field(ge=0)]


class Answer(Document):
    """A JSON object that the API sends."""

    model_config = ConfigDict(extra="ignore")


class Empty(Answer):
    """An empty object: done."""


class Error(Answer):
    """A refusal. Its sentence says what to do."""

    error: str = Field(min_length=1, description="One sentence for people.")
    code: str = Field(min_length=1, description="What went wrong, for programs.")
    field: str | None = Field(default=None, description="The part of the request that is at fault.")


class Unhealthy(Answer):
    """The service cannot do its work."""

    errors: str = Field(description="What is down.")


class Created(Answer):
    """Something was created."""

    id: JobId


class ShownImagePullCredential(ImagePullCredential):
    """Who may pull a private image, as shown."""

    model_config = ConfigDict(extra="ignore")
    token: Redacted


class ShownTask(Task):
    """A task as it was submitted."""

    model_config = ConfigDict(extra="ignore")
    rules: ClassVar[dict[str, Any]] = {}

    image_pull_credential: ShownImagePullCredential | None = Field(
        default=None, description="User name for a private image."
    )


class ShownWebdavCredential(WebdavCredential):
    """Access to a WebDAV server, as shown."""

    model_config = ConfigDict(extra="ignore")
    password: Redacted


class ShownB2dropCredential(B2dropCredential):
    """Access to B2DROP, as shown."""

    model_config = ConfigDict(extra="ignore")
    app_password: Redacted = Field(alias="app-password")


class ShownOnedataCredential(OnedataCredential):
    """Access to a Onedata provider, as shown."""

    model_config = ConfigDict(extra="ignore")
    token: Redacted


class ShownStorage(Storage):
    """The mounted remote file system, as shown."""

    model_config = ConfigDict(extra="ignore")
    rules: ClassVar[dict[str, Any]] = {}

    webdav: ShownWebdavCredential | None = Field(default=None, description="Set for the type webdav.")
    b2drop: ShownB2dropCredential | None = Field(alias="b2drop", default=None, description="Set for the type b2drop.")
    onedata: ShownOnedataCredential | None = Field(default=None, description="Set for the type onedata.")


class ShownInput(Answer):
    """An input file, as shown."""

    filename: str = Field(description="Name of the file, relative to the job's directory.")
    executable: bool = Field(default=False, description="Whether the file may be executed.")


class Events(Answer):
    """When things happened, as far as they have: epoch seconds."""

    create_time: Epoch | None = Field(default=None, description="When the job was accepted.")
    start_time: Epoch | None = Field(default=None, description="When it last began to run.")
    end_time: Epoch | None = Field(default=None, description="When it ended.")


class Provisioned(Answer):
    """What a node of the job had."""

    cpus: float | None = Field(default=None, description="CPU cores.")
    memory: float | None = Field(default=None, description="Memory in GB.")
    disk: float | None = Field(default=None, description="Scratch disk in GB.")
    nodes: int = Field(description="Number of nodes.")


class Cpu(Answer):
    """The processor of the node."""

    vendor: str | None = Field(default=None, description="Its vendor.")
    model: str | None = Field(default=None, description="Its model name.")
    clock: float | str | None = Field(default=None, description="Its clock in MHz.")


class RuntimeVersion(Answer):
    """The container runtime that was used, and its version."""

    singularity: str | None = Field(default=None, description="Version of Apptainer or Singularity.")
    udocker: str | None = Field(default=None, description="Version of udocker.")


class TaskExecution(Answer):
    """What became of a task."""

    nullable: ClassVar[frozenset[str]] = frozenset(
        {
            "exit_code",
            "retries",
            "image_pull_time",
            "image_pull_status",
            "image_sha256",
            "wall_time_usage",
            "cpu_time_usage",
            "max_resident_set_size",
        }
    )

    exit_code: int | None = Field(default=None, description="Exit code of the last attempt.")
    retries: int | None = Field(default=None, description="Attempts after the first.")
    image_pull_time: float | None = Field(default=None, description="Seconds; -1: the image was there already.")
    image_pull_status: str | None = Field(default=None, description="completed, cached or failed.")
    image_sha256: str | None = Field(default=None, description="Digest of the image.")
    wall_time_usage: float | None = Field(default=None, description="Wall time in seconds.")
    cpu_time_usage: float | None = Field(default=None, description="CPU time in seconds.")
    max_resident_set_size: int | None = Field(
        alias="maxResidentSetSizeKB", default=None, description="Most memory used at a time, in KB."
    )
    read_bytes: int | None = Field(default=None, ge=0, description="Bytes read from a disk.")
    written_bytes: int | None = Field(default=None, ge=0, description="Bytes written to a disk.")


class ExecCommand(Answer):
    """A command that was run in the job."""

    nullable: ClassVar[frozenset[str]] = frozenset({"exit_code"})

    command: list[str] = Field(description="The program and its arguments.")
    user: str | None = Field(default=None, description="Who ran it.")
    start_time: float | None = Field(default=None, description="When it began, epoch seconds.")
    end_time: float | None = Field(default=None, description="When it ended, epoch seconds.")
    exit_code: int | None = Field(default=None, description="Its exit code; null where it is not known.")


class Progress(Answer):
    """What a running job does at the moment, as its worker said it some seconds ago."""

    phase: Literal[
        "stagingIn", "restoringCheckpoint", "pullingImage", "runningTask", "stagingOut", "savingCheckpoint"
    ] = Field(description="What it does.")
    since: float = Field(description="Since when, epoch seconds.")
    task: int | None = Field(default=None, ge=0, description="For which task, from 0.")
    item: str | None = Field(default=None, description="The image, artifact or output.")
    percent: int | None = Field(default=None, ge=0, le=100, description="How far it has come, where that is known.")


class CheckpointExecution(Answer):
    """The checkpoints of the last run of the job."""

    restored: bool = Field(description="Whether the run began with the checkpoint of an earlier one.")
    saved: int = Field(ge=0, description="How many checkpoints the run saved.")
    last_saved: float | None = Field(default=None, description="When it saved the last one, epoch seconds.")
    size: int | None = Field(default=None, ge=0, description="Bytes of the last one, packed.")
    warning: str | None = Field(default=None, description="Why the last try to save one failed.")


class Execution(Answer):
    """What became of the job on its workers."""

    nullable: ClassVar[frozenset[str]] = frozenset({"cpu", "runtime_version", "stage_in_time", "stage_out_time"})

    site: str = Field(description="Name of the site.")
    retries: int = Field(description="Runs after the first that policies.maximumRetries allowed.")
    interruptions: int | None = Field(
        default=None, ge=0, description="Earlier runs that ended because their worker was taken away or failed."
    )
    provisioned_resources: Provisioned = Field(description="What each node had.")
    cpu: Cpu | None = Field(default=None, description="The processor.")
    runtime_version: RuntimeVersion | None = Field(default=None, description="The container runtime.")
    max_memory_usage: int | None = Field(
        alias="maxMemoryUsageKB", default=None, description="Most memory used at a time, in KB."
    )
    stage_in_time: float | None = Field(default=None, description="Seconds spent on bringing in files.")
    stage_out_time: float | None = Field(default=None, description="Seconds spent on bringing out files.")
    commands: list[ExecCommand] | None = Field(default=None, description="Commands that were run in the job.")
    progress: Progress | None = Field(default=None, description="What a running job does at the moment.")
    checkpoint: CheckpointExecution | None = Field(default=None, description="The checkpoints of its last run.")
    tasks: list[TaskExecution] = Field(description="What became of the tasks, in order.")


class Output(Answer):
    """A file or directory that was kept."""

    name: str = Field(description="Its name, as in the job's description.")
    url: str = Field(description='Where to download it, for 7 days; "" until it has been uploaded.')
    size: int | None = Field(default=None, description="Bytes.")


class ShownJob(Answer):
    """A job. Those of its fields that describe it in full come with `detail` or when one job is asked for."""

    id: JobId
    name: str = Field(description="The job's name; in a workflow workflow/job or workflow/job/instance.")
    status: Status = Field(description="The state it is in.")
    status_reason: str | None = Field(default=None, description="A sentence about the state.")
    tasks: list[ShownTask] = Field(description="The tasks as submitted.")
    events: Events = Field(description="When things happened.")
    parameters: dict[str, Any] | None = Field(default=None, description="An instance's parameters in a workflow.")
    resources: Resources | None = Field(default=None, description="What each node needs.")
    labels: dict[str, str] | None = Field(default=None, description="The labels.")
    policies: Policies | None = Field(default=None, description="How the job is treated.")
    notifications: list[Notification] | None = Field(default=None, description="Messages to be sent.")
    artifacts: list[Artifact] | None = Field(default=None, description="Files and archives that are fetched.")
    inputs: list[ShownInput] | None = Field(default=None, description="Input files, without their content.")
    checkpoint: Checkpoint | None = Field(default=None, description="Files that are saved while it runs.")
    storage: ShownStorage | None = Field(default=None, description="The mounted file system, without secrets.")
    output_files: list[Output] | None = Field(default=None, description="Files that are kept.")
    output_dirs: list[Output] | None = Field(default=None, description="Directories that are kept.")
    execution: Execution | None = Field(default=None, description="What became of the job.")
