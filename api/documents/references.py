"""``job://`` artifacts: files that another job of the same workflow leaves behind.

    job://<job name>/<file>        of a job without a factory
    job://<job name>/<i>/<file>    of instance i of a job with a factory
    job://<job name>/*/<file>      of all instances of a job with a factory

The text after ``job://`` may be percent-encoded. Job names may have slashes in them: the longest name that is followed by a
slash is meant, so ``a/b`` is asked before ``a``. A reference may hold parameters of the job that has the artifact; until these
are replaced, only what does not depend on them is checked.
"""

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import Field, GetJsonSchemaHandler, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import CoreSchema

from api.documents import patterns
from api.documents.base import broken
from api.documents.errors import DocumentError
from api.documents.staging import Artifact, ArtifactUrl
from api.documents.text import MAX_LINE, MAX_NAME, without_control
from api.documents.wording import shown
from worker import parameters as worker_parameters

SCHEME = "job://"
ALL = "*"
"""What stands for all instances."""

_INSTANCE = re.compile(r"0|[1-9][0-9]{0,17}")
_ARCHIVE = ".tgz"
"""What the worker adds to the name of an output directory, which it stores as an archive."""
_SPECIAL = re.compile(r"[*?\[\]]")
_OPEN = re.compile(rf"{_SPECIAL.pattern}|^/|^\.$")
"""A name under which other files are kept: a pattern, or one that leads to or through the job's whole directory."""


def _url(value: object, as_elsewhere: ValidatorFunctionWrapHandler) -> Any:
    if not isinstance(value, str) or not value.startswith(SCHEME):
        return as_elsewhere(value)
    if len(value) > MAX_LINE:
        raise broken(f"must have at most {MAX_LINE} characters, not {len(value)}")
    return without_control(value)


class _AlsoOfJobs:
    """The JSON schema's words for the artifacts of a job, and for those that other jobs make."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        elsewhere = handler(schema)
        of_jobs = {"pattern": patterns.whole(f"{SCHEME}[^{patterns.CONTROLS}]+/[^{patterns.CONTROLS}]+")}
        return {**elsewhere, "anyOf": [*elsewhere["anyOf"], of_jobs]}


class WorkflowArtifact(Artifact):
    """A file or archive fetched before the first task; archives are unpacked.

    It may be what another job of the workflow leaves behind, which then runs before this one: an output file by its name, an
    output directory by its name, too.
    """

    url: Annotated[ArtifactUrl, WrapValidator(_url), _AlsoOfJobs()] = Field(
        description="An http or https URL, the name of an uploaded object, or job://<job name>/<file>; "
        "of a job with a factory job://<job name>/<instance>/<file>, or job://<job name>/*/<file> for all instances."
    )

    @property
    def is_of_job(self) -> bool:
        """Whether another job of the workflow makes it."""
        return self.url.startswith(SCHEME)


class BadReference(DocumentError):
    """A ``job://`` URL names nothing that there is in its workflow. ``says`` follows the name of its field in a sentence."""

    def __init__(self, says: str) -> None:
        super().__init__(says)
        self.says = says


@dataclass(frozen=True)
class Reference:
    """What a ``job://`` URL means.

    ``instance`` is "" for a job without a factory, ALL for all instances, the number of one in decimal digits, or, where
    parameters are not replaced yet, a text that holds one. ``file`` is the name of the file or directory as the job lists it.
    """

    job: str
    instance: str
    file: str

    def numbers(self, count: int | None) -> range:
        """The instances that are meant, of a job of so many; of one without a factory (None) it is number 0."""
        if count is None:
            return range(1)
        return range(count) if self.instance == ALL else range(int(self.instance), int(self.instance) + 1)


def resolve(url: str, jobs: Mapping[str, int | None], parameters: Sequence[str] = ()) -> Reference:
    """What the URL means in a workflow; ``jobs`` has the number of instances of each job by name, None without a factory.

    ``parameters`` are the names of those that are still to be replaced in the URL. Raises BadReference.
    """
    text = unquote(url.removeprefix(SCHEME))
    job = _job(text, jobs)
    count, file, instance = jobs[job], text[len(job) + 1 :], ""
    if count is not None:
        instance, _, file = file.partition("/")
        if not _has_parameter(instance, parameters):
            _check_instance(instance, job, count)
    _check_file(file, job)
    return Reference(job, instance, file)


def replaced(reference: Reference, parameters: Mapping[str, str], count: int | None) -> Reference:
    """What the reference means to a job with these parameters; ``count`` is how many instances the job has that it names.

    Raises BadReference where the values make something of it that names nothing.
    """
    instance, file = worker_parameters.substituted([reference.instance, reference.file], parameters)
    if count is not None:
        _check_instance(instance, reference.job, count)
    _check_file(file, reference.job)
    return Reference(reference.job, instance, file)


def _job(text: str, jobs: Mapping[str, int | None]) -> str:
    end = MAX_NAME + 1
    while (end := text.rfind("/", 0, end)) > 0:
        if text[:end] in jobs:
            return text[:end]
    raise BadReference(
        f"must be {SCHEME}, the name of a job of this workflow, '/' and a file of it, not {shown(SCHEME + text)}"
    )


def _check_instance(instance: str, job: str, count: int) -> None:
    if instance == ALL or (_INSTANCE.fullmatch(instance) and int(instance) < count):
        return
    if _INSTANCE.fullmatch(instance):
        raise BadReference(f"must name an instance of {shown(job)} from 0 to {count - 1}, not {instance}")
    raise BadReference(
        f"must say which instance of {shown(job)}, which has a factory: {SCHEME}{job}/0/<file> is of the first, "
        f"{SCHEME}{job}/{ALL}/<file> of all"
    )


def _check_file(file: str, job: str) -> None:
    parts = file.split("/")
    if not parts[0] or ".." in parts or "\0" in file:
        raise BadReference(f"must name a file of the job {shown(job)}, relative to its directory and without '..'")


def _has_parameter(text: str, parameters: Sequence[str]) -> bool:
    return "$" in text and any(name in parameters for name in worker_parameters.names(text))


class Kept:
    """What a job leaves behind, to tell what it surely does not: a mistyped name is refused before anything runs.

    ``parameters`` are the names of those of the job's own factory; anything may stand in their places. Of a pattern only what
    stands before its first and after its last special character counts, which is enough for names that people mistype.
    """

    MAX_PATTERNS = 100
    """A job with more patterns may keep anything, which bounds the time that a workflow takes."""

    def __init__(self, files: Sequence[str], directories: Sequence[str], parameters: Sequence[str] = ()) -> None:
        self._names = {posixpath.normpath(name) for name in files}
        for name in map(posixpath.normpath, directories):
            self._names |= {name, f"{name}{_ARCHIVE}"}
        stars = dict.fromkeys(parameters, "*")
        starred = (worker_parameters.substituted(name, stars) for name in self._names)
        self._ends = {_ends(name) for name in starred if _OPEN.search(name)}

    def may_have(self, file: str, parameters: Sequence[str] = ()) -> bool:
        """Whether the file may be there; no means that it surely is not.

        ``parameters`` are the names of those that are still to be replaced in ``file``.
        """
        name = posixpath.normpath(file)
        if name in self._names or len(self._ends) > self.MAX_PATTERNS:
            return True
        if _has_parameter(name, parameters):
            return bool(self._names)
        return any(name.startswith(begins) and name.endswith(ends) for begins, ends in self._ends)


def _ends(name: str) -> tuple[str, str]:
    """What all files begin and end with that are kept under this name or pattern."""
    if name.startswith("/") or name == ".":
        return "", ""  # where the job's directory is in its container is the worker's to know
    parts = _SPECIAL.split(name)
    return parts[0].rstrip("/"), parts[-1].lstrip("/")  # with the slash ``**`` may stand for nothing
