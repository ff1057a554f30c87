"""The tasks of a job: which image, what to run in it, and how.

A command is checked to be splittable into words as a POSIX shell would do it, since that is how it is run;
it is not split here, and no shell ever sees it.
"""

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from api.documents import patterns
from api.documents.base import Document, at_most, broken
from api.documents.secret import Secret
from api.documents.text import MAX_LINE, MAX_NAME, MAX_TEXT, Line, RelativeFile, Word, matching, saying, without_nul

MAX_ENV = 1000
MAX_PROCS = 100_000

MPI_TYPES = frozenset({"openmpi", "mpich", "intelmpi"})
"""Task types for which the service starts the processes."""

_LAUNCHERS = frozenset({"mpirun", "mpiexec"})
# One pass over the text, unlike ``shlex.split``, whose time grows with the square of a word's length. Each alternative
# begins with another character, so there is nothing to go back for; possessive repeats would say so, but Python 3.11.2,
# which Debian 12 has, gets those of groups wrong.
_WORDS = re.compile(r"""(?:[^'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")*""", re.DOTALL)


def _splittable(cmd: str) -> str:
    if not _WORDS.fullmatch(cmd):
        raise broken("has a quotation mark that is not closed or a backslash at the end: correct the quoting")
    return cmd


def _no_option(value: str) -> str:
    if value.startswith("-") or value != value.strip():
        raise broken("must not begin with '-' or have blanks around it")
    return value


def _launcher(cmd: str) -> str | None:
    """The MPI launcher that the command begins with, also one with a path or a suffix (``mpiexec.hydra``)."""
    first = cmd.split(maxsplit=1)[0].replace("'", "").replace('"', "")
    name = first.rpartition("/")[2].partition(".")[0]
    return name if name in _LAUNCHERS else None


Command = Annotated[
    str,
    Field(max_length=MAX_TEXT),
    AfterValidator(without_nul),
    AfterValidator(_splittable),
    saying(patterns.COMMAND),
]
EnvName = Annotated[
    str,
    Field(max_length=MAX_NAME),
    AfterValidator(
        matching(patterns.ENV_NAME, "must have a name of letters, digits and '_' that does not begin with a digit")
    ),
    saying(patterns.ENV_NAME),
]
Image = Annotated[Line, AfterValidator(_no_option), saying(patterns.OPTION_FREE)]
App = Annotated[Word, AfterValidator(_no_option), saying(patterns.OPTION_FREE)]
EnvValue = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(without_nul), saying(patterns.TEXT)]
Sha256 = Annotated[
    str,
    AfterValidator(matching(patterns.SHA256, "must be a SHA-256 digest, 64 hexadecimal digits")),
    saying(patterns.SHA256),
]


WorkingDirectory = Annotated[
    str, Field(min_length=1, max_length=MAX_LINE), AfterValidator(without_nul), saying(patterns.TEXT)
]

_MPI_NEEDS_A_COMMAND = {
    "if": {"properties": {"type": {"enum": sorted(MPI_TYPES)}}, "required": ["type"]},
    "then": {
        "properties": {"cmd": {"pattern": patterns.NOT_BLANK, "not": {"pattern": patterns.LAUNCHER}}},
        "required": ["cmd"],
    },
}
_APPS_ARE_SINGULARITYS = {
    "not": {"properties": {"app": {}, "runtime": {"const": "udocker"}}, "required": ["app", "runtime"]}
}


class ImagePullCredential(Document):
    """Who may pull a private image."""

    username: Word = Field(description="User name at the image's registry.")
    token: Secret = Field(description="Password or access token at the image's registry; never shown again.")


class Task(Document):
    """One container run of a job; the tasks run one after the other, sidecars beside them."""

    rules: ClassVar[dict[str, Any]] = _MPI_NEEDS_A_COMMAND | _APPS_ARE_SINGULARITYS

    image: Image = Field(description="The container image's name, URL or path.")
    runtime: Literal["singularity", "udocker"] | None = Field(
        default=None, description="Container runtime; chosen from the image where it is left out."
    )
    cmd: Command | None = Field(
        default=None,
        description="Command and arguments, quoted as for a POSIX shell but run without one; "
        "the image's own where it is left out.",
    )
    env: Annotated[dict[EnvName, EnvValue], BeforeValidator(at_most(MAX_ENV))] = Field(
        default_factory=dict,
        max_length=MAX_ENV,
        description="Environment variables; the service's own PROMINENCE_ variables win over these.",
    )
    workdir: WorkingDirectory | None = Field(
        default=None,
        description="Working directory in the container, absolute or relative to the job's directory.",
    )
    type: Literal["basic", "openmpi", "mpich", "intelmpi", "sidecar"] = Field(
        default="basic",
        description="What kind of task this is: serial, one of three MPI flavours, or a sidecar.",
    )
    procs_per_node: int | None = Field(
        default=None,
        ge=1,
        le=MAX_PROCS,
        description="MPI processes per node, at most the CPUs of a node; one a CPU where it is left out.",
    )
    app: App | None = Field(default=None, description="The app of a Singularity image to run.")
    image_pull_credential: ImagePullCredential | None = Field(
        default=None, description="User name and token for a private image."
    )
    image_sha256: Sha256 | None = Field(
        default=None, description="SHA-256 digest that the image must have, 64 hexadecimal digits."
    )
    stdout: RelativeFile | None = Field(
        default=None, description="File inside the job's directory that takes the task's standard output."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.app is not None and self.runtime == "udocker":
            raise broken("needs the runtime singularity, not udocker", "app")
        if self.type in MPI_TYPES:
            self._check_mpi()
        return self

    def _check_mpi(self) -> None:
        if not self.cmd or not self.cmd.strip():
            raise broken(f"is required for a task of type {self.type}: give the program to start", "cmd")
        if launcher := _launcher(self.cmd):
            raise broken(f"must not begin with {launcher}: give the program alone, the service starts it", "cmd")
