"""A job's outputs, as the API shows them, and its artifacts, as it asks for them. Pure but for what object storage does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, Protocol

from api.documents.job import Job
from api.documents.references import SCHEME
from identity.caller import Caller
from worker import parameters as worker_parameters

HOME = "/home/user"
"""The job's directory as its tasks see it (worker/container.py)."""
_ARCHIVE = ".tgz"
_WHOLE_HOME = "home.tgz"

Entry = dict[str, object]


class Uploads(Protocol):
    """Where users put files before they submit, and jobs put theirs; `api.objects.service.Data` is one."""

    def check_upload(self, name: str, caller: Caller) -> None:
        """Raises NothingUploaded where the caller's jobs would not find `name` now."""

    def output_url(self, submission: str, name: str) -> str:
        """A URL that downloads an output of a job, good for seven days."""


def needs_storage(job: Job) -> bool:
    """Whether an artifact of the job comes out of object storage: an upload, or what another job leaves there."""
    return any(artifact.is_upload or artifact.url.startswith(SCHEME) for artifact in job.artifacts)


def uploads(job: Job, parameters: Sequence[str] = ()) -> Iterator[str]:
    """The names of uploads that are known before the job runs: those without any of these parameters in them."""
    for artifact in job.artifacts:
        if artifact.is_upload and not set(parameters).intersection(worker_parameters.names(artifact.url)):
            yield artifact.url


def shown(
    document: Mapping[str, Any], report: Mapping[str, Any] | None, link: Callable[[str], str]
) -> dict[str, list[Entry]]:
    """`outputFiles` and `outputDirs` of a described job: what was stored, with links, and what was not (yet), without."""
    made = stored(report)
    fields: dict[str, list[Entry]] = {}
    if "outputFiles" in document:
        wanted = [(asked, below_home(asked)) for asked in document["outputFiles"]]
        fields["outputFiles"] = [entry for asked, name in wanted for entry in _entries(asked, name, made, link)]
    if "outputDirs" in document:
        archives = [(asked, archive(below_home(asked))) for asked in document["outputDirs"]]
        fields["outputDirs"] = [_entry(asked, name, made, link) for asked, name in archives]
    return fields


def _entries(asked: str, name: str, stored: Mapping[str, int], link: Callable[[str], str]) -> list[Entry]:
    matches = [one for one in stored if one != name and fnmatchcase(one, name)]
    if name in stored or not matches:
        return [_entry(asked, name, stored, link)]
    return [_entry(one, one, stored, link) for one in sorted(matches)]


def _entry(asked: str, name: str, stored: Mapping[str, int], link: Callable[[str], str]) -> Entry:
    size = stored.get(name)
    return {"name": asked, "url": "" if size is None else link(name), "size": size or 0}


def stored(report: Mapping[str, Any] | None) -> dict[str, int]:
    """Names and sizes in a report, which is a worker's word."""
    nodes = (report or {}).get("nodes")
    found: dict[str, int] = {}
    for node in nodes if isinstance(nodes, list) else []:
        outputs = node.get("outputs") if isinstance(node, dict) else None
        for output in outputs if isinstance(outputs, list) else []:
            if isinstance(output, dict) and isinstance(output.get("name"), str) and isinstance(output.get("size"), int):
                found[output["name"]] = output["size"]
    return found


def below_home(asked: str) -> str:
    """The name of a file or directory below the job's directory, from one that a document lists."""
    path = PurePosixPath(asked)
    return str(path.relative_to(HOME)) if path.is_relative_to(HOME) else str(path)


def archive(name: str) -> str:
    """The name under which a directory is stored."""
    return _WHOLE_HOME if name == "." else name + _ARCHIVE
