"""What the API answers about everything but jobs: models for the documentation and for tests.

Requests have their models where they are read.
"""

from pydantic import Field

from api.documents.answers import Answer


class Link(Answer):
    """Where to send or to fetch bytes. The link is the right: it needs no token, and whoever has it may use it."""

    url: str = Field(description="The address; it is good for a limited time.")
    headers: dict[str, str] | None = Field(default=None, description="Headers that must be sent with the bytes.")
    fields: dict[str, str] | None = Field(default=None, description="Fields of a form, where the bytes are POSTed.")


class ArtifactFile(Answer):
    """A file of an artifact."""

    name: str = Field(min_length=1, description="Where the job puts it, below its directory.")
    url: str = Field(description="Where to fetch it; the address is good for 7 days.")
    size: int | None = Field(default=None, ge=0, description="Bytes, where it is an output of another job.")


class ArtifactFiles(Answer):
    """The files of an artifact, or the first of them."""

    files: list[ArtifactFile] = Field(description="The files, those of an instance together, instances in their order.")
    next: int | None = Field(default=None, ge=1, description="Where there are more: the `first` of the next request.")


class DownloadLink(Answer):
    """Where to fetch bytes."""

    url: str = Field(description="The address; it is good for 7 days.")


class CheckpointLink(DownloadLink):
    """Where to fetch a checkpoint."""

    size: int = Field(ge=0, description="Bytes of the archive (.tar.gz).")


class StoredObject(Answer):
    """An uploaded object."""

    name: str = Field(description="Its name; that of a group's object begins with the group and '/'.")
    size: int = Field(ge=0, description="Bytes.")
    last_modified: str = Field(description="When it was uploaded, as a date as in HTTP headers.")


class Series(Answer):
    """One field of a measurement, with one set of tags, over time."""

    measurement: str = Field(description="What was measured.")
    field: str = Field(description="The field of the measurement.")
    tags: dict[str, str] = Field(description="The tags that all points have.")
    times: list[str] = Field(description="When, ascending: YYYY-MM-DD HH:MM:SS in UTC.")
    values: list[float] = Field(description="The values, one for each time.")


class UsageOf(Answer):
    """What a user or a group used."""

    cpu_time: float = Field(ge=0, description="CPU time in hours.")
    wall_time: float = Field(ge=0, description="Wall time in hours.")
    number_of_jobs: int = Field(ge=0, description="Jobs that ended in the time asked for.")


class Usages(Answer):
    """What was used, by name."""

    users: dict[str, UsageOf] = Field(description="By user.")
    groups: dict[str, UsageOf] = Field(description="By group; empty unless asked for.")


class Usage(Answer):
    """What was used between two days."""

    usage: Usages = Field(description="What was used.")


class Amount(Answer):
    """An amount of resources."""

    cpus: float = Field(ge=0, description="CPU cores.")
    memory: float = Field(ge=0, description="Memory in GB.")


class Worker(Answer):
    """A worker."""

    capacity: Amount = Field(description="What it has.")
    free: Amount = Field(description="What of it is free.")
    site: str = Field(description='Name of its site; "" if unknown.')


class Workers(Answer):
    """Workers that the caller's jobs may run on."""

    existing: list[Worker] = Field(description="The workers, in no promised order.")


class WorkerToken(Answer):
    """A token with which a worker joins the pool."""

    token: str = Field(min_length=1, description="The token; it is shown once.")


class CommandOutput(Answer):
    """What a command wrote, and how it ended."""

    stdout: str = Field(description="Its standard output.")
    stderr: str = Field(description="Its standard error.")
    exit_code: int = Field(description="Its exit code.")
    truncated: bool = Field(description="Whether the output was cut because there was too much of it.")


class Event(Answer):
    """Something that happened to a job; what there is to say of it stands in the fields that are there."""

    time: float = Field(description="When, epoch seconds.")
    event: str = Field(min_length=1, description="What happened.")
    reason: str | None = Field(default=None, description="Why, in a sentence.")
    status: str | None = Field(default=None, description="The state that came of it, of the job or of an image.")
    site: str | None = Field(default=None, description="At which site.")
    host: str | None = Field(default=None, description="On which worker.")
    run: int | None = Field(default=None, description="Which run of the job began, from 1 on.")
    task: int | None = Field(default=None, description="Which task, from 0 on.")
    seconds: float | None = Field(default=None, description="How long it took.")
    exit_code: int | None = Field(default=None, description="With which exit code.")
    code: int | None = Field(default=None, description="HTCondor's code for the reason.")
