"""A job's outputs and artifacts, as the API shows and hands them on. Pure but for the links, which object storage makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, Protocol

from api.documents.job import Job
from identity.caller import Caller

HOME = "/home/user"
"""The job's directory as its tasks see it (worker/container.py)."""
_ARCHIVE = ".tgz"
_WHOLE_HOME = "home.tgz"

Entry = dict[str, object]


class Uploads(Protocol):
    """Where users put files before they submit, and jobs put theirs; `api.objects.service.Data` is one."""

    def artifact_link(self, name: str, caller: Caller) -> str:
        """A URL from which a job of the caller's can fetch what was uploaded as `name`; raises NothingUploaded."""

    def output_url(self, submission: str, name: str) -> str:
        """A URL that downloads an output of a job, good for seven days."""


def artifacts(job: Job, link: Callable[[str], str]) -> list[Entry]:
    """The artifacts as the executor is told of them: names of uploads become links, and stand beside them."""
    entries = []
    for artifact in job.artifacts:
        entry: Entry = artifact.model_dump(mode="json", by_alias=True, exclude_unset=True)
        if artifact.is_upload:
            entry |= {"url": link(artifact.url), "name": artifact.url}
        entries.append(entry)
    return entries


def as_asked(told: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """The artifacts of a document again, from what the executor was told."""
    return [
        {key: value for key, value in entry.items() if key != "name"} | {"url": entry.get("name", entry["url"])}
        for entry in told
    ]


def shown(
    document: Mapping[str, Any], report: Mapping[str, Any] | None, link: Callable[[str], str]
) -> dict[str, list[Entry]]:
    """`outputFiles` and `outputDirs` of a described job: what was stored, with links, and what was not (yet), without."""
    stored = _stored(report)
    fields: dict[str, list[Entry]] = {}
    if "outputFiles" in document:
        wanted = [(asked, _below_home(asked)) for asked in document["outputFiles"]]
        fields["outputFiles"] = [entry for asked, name in wanted for entry in _entries(asked, name, stored, link)]
    if "outputDirs" in document:
        archives = [(asked, _archive(_below_home(asked))) for asked in document["outputDirs"]]
        fields["outputDirs"] = [_entry(asked, name, stored, link) for asked, name in archives]
    return fields


def _entries(asked: str, name: str, stored: Mapping[str, int], link: Callable[[str], str]) -> list[Entry]:
    matches = [one for one in stored if one != name and fnmatchcase(one, name)]
    if name in stored or not matches:
        return [_entry(asked, name, stored, link)]
    return [_entry(one, one, stored, link) for one in sorted(matches)]


def _entry(asked: str, name: str, stored: Mapping[str, int], link: Callable[[str], str]) -> Entry:
    size = stored.get(name)
    return {"name": asked, "url": "" if size is None else link(name), "size": size or 0}


def _stored(report: Mapping[str, Any] | None) -> dict[str, int]:
    """Names and sizes in a report, which is a worker's word."""
    nodes = (report or {}).get("nodes")
    found: dict[str, int] = {}
    for node in nodes if isinstance(nodes, list) else []:
        outputs = node.get("outputs") if isinstance(node, dict) else None
        for output in outputs if isinstance(outputs, list) else []:
            if isinstance(output, dict) and isinstance(output.get("name"), str) and isinstance(output.get("size"), int):
                found[output["name"]] = output["size"]
    return found


def _below_home(asked: str) -> str:
    path = PurePosixPath(asked)
    return str(path.relative_to(HOME)) if path.is_relative_to(HOME) else str(path)


def _archive(name: str) -> str:
    return _WHOLE_HOME if name == "." else name + _ARCHIVE
