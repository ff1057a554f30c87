"""What a running job gets when it asks for one of its artifacts: links that are made at that moment.

A link does not age while its job waits, and the parameters of instances are known by then. A job may ask for what its own
document names, and for nothing else of its user's. What it names of other jobs is of its own workflow, and was there before it
began: naming it makes the job depend on them.

What a job has stored is what its report says. That is a worker's word, so a link never leads out of what the same job stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from api.documents.references import ALL, SCHEME, BadReference, Reference, replaced, resolve
from api.jobs import folder
from api.jobs.outputs import stored
from api.jobs.sandbox import JOB_FILE
from api.objects.requests import ArtifactRequest
from api.objects.service import Data
from api.workflows import outputs
from api.workflows.errors import BadArtifact, NotAnArtifact, NothingLeft
from api.workflows.instances import Instances
from api.workflows.plan import Part, Plan, instance_number
from identity.caller import Caller
from worker import parameters

MOST_FILES = 500
"""Files of an answer after which no further instance is added to it."""
_LARGEST_JOB = 256 * 2**20

Entry = dict[str, object]


@dataclass(frozen=True)
class Artifacts:
    """The artifacts of the jobs whose folders `instances` knows, in the storage of `data`."""

    data: Data
    instances: Instances

    def files(self, request: ArtifactRequest, submission: str, caller: Caller) -> Entry:
        """The answer to the running job `submission` of the caller: `files`, each with `name`, `url` and perhaps `size`.

        `name` is where the job puts the file, below its directory. Where there are more, `next` is the instance to go on with.
        Raises NotAnArtifact, BadArtifact, NothingLeft and what `Data.artifact_link` raises.
        """
        plan, number = self.instances.plan(submission), instance_number(submission)
        if plan is None or number is None or number >= plan.total:
            _declared(self._told(submission), {}, request.url)
            return self._upload(request.url, caller)
        part, values = plan.part_of(number), plan.parameters_of(number)
        url = _declared(_urls(part.document), values, request.url)
        if not url.startswith(SCHEME):
            return self._upload(request.url, caller)
        return self._page(plan, _reference(url, plan, values), request.first)

    def _told(self, submission: str) -> list[str]:
        """The artifacts that the executor of a job of its own was told of; the file may be anybody's work by now."""
        try:
            return _urls(json.loads(folder.read(self.instances.sandboxes / submission / JOB_FILE, _LARGEST_JOB) or b""))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return []

    def _upload(self, name: str, caller: Caller) -> Entry:
        link = self.data.artifact_link(name, caller)
        return {"files": [{"name": PurePosixPath(name).name, "url": link}]}

    def _page(self, plan: Plan, reference: Reference, first: int) -> Entry:
        part = plan.part_named(reference.job)
        places = reference.numbers(None if part.factory is None else part.count)
        files: list[Entry] = []
        for place in places[first:]:
            if len(files) >= MOST_FILES:
                return {"files": files, "next": place - places.start}
            files += self._of_instance(plan, part, place, reference)
        return {"files": files}

    def _of_instance(self, plan: Plan, part: Part, place: int, reference: Reference) -> Iterator[Entry]:
        number = part.first + place
        ran = self.instances.origin(plan, number)
        submission = "" if ran is None else ran.instance_name(number)
        there = stored(self.instances.report(submission)) if submission else {}
        found = outputs.meant(part.document, plan.parameters_of(number), reference.file, there)
        if not found:
            raise NothingLeft(part.name if part.factory is None else f"{part.name}/{place}", reference.file)
        for name in found:
            link = self.data.output_url(submission, name)
            yield {"name": _place(part, place, reference, name), "url": link, "size": there[name]}


def _urls(document: Mapping[str, Any]) -> list[str]:
    return [artifact["url"] for artifact in document.get("artifacts", ())]


def _declared(urls: Iterable[str], values: Mapping[str, str], asked: str) -> str:
    """The URL that becomes the one that is asked for when these parameters are put in. Raises NotAnArtifact."""
    for url in urls:
        if parameters.substituted(url, values) == asked:
            return url
    raise NotAnArtifact(asked)


def _reference(url: str, plan: Plan, values: Mapping[str, str]) -> Reference:
    jobs = {part.name: None if part.factory is None else part.count for part in plan.parts}
    try:
        found = resolve(url, jobs, tuple(values))
        return replaced(found, values, jobs[found.job])
    except BadReference as error:
        raise BadArtifact(error.says) from error


def _place(part: Part, place: int, reference: Reference, name: str) -> str:
    """Where a file is put: alone under its own name; one of several as in the job that made it, below that job's name."""
    if reference.instance != ALL and not outputs.is_pattern(reference.file):
        return PurePosixPath(name).name
    folders = [_folder(part.name)] if part.factory is None else [_folder(part.name), str(place)]
    return "/".join([*folders, name])


def _folder(job: str) -> str:
    """The name of a job as the path of a directory, another one for each job; no name of a job has a `%`."""
    if all(part not in ("", ".", "..") for part in job.split("/")):
        return job
    return job.replace("/", "%2F").replace(".", "%2E")
