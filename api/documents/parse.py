"""From the bytes of a request to a document: the one door through which jobs and workflows come in."""

from typing import Any

from pydantic import ValidationError

from api.documents import strict_yaml
from api.documents.errors import InvalidDocument
from api.documents.factories import MAX_INSTANCES, check_instances
from api.documents.job import Job
from api.documents.sentences import first_problem
from api.documents.strict_json import load
from api.documents.wording import kind
from api.documents.workflow import Workflow

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
"""Bytes of one document, its inputs included."""
YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})
"""Media types of YAML, the registered one first; all others are taken for JSON."""


def parse_job(body: bytes, content_type: str | None = None) -> Job:
    """The job that the body of a request describes, in YAML where its media type says so, else in JSON.

    Raises InvalidDocument with the first rule that the body breaks: those of JSON before those of the
    contract, unknown fields before wrong ones, and these in the order of the fields. The same body always
    gives the same answer.
    """
    tree = _tree(body, content_type)
    if not isinstance(tree, dict):
        raise InvalidDocument("", f"the body must be a JSON object that describes a job, not {kind(tree)}")
    try:
        return Job.model_validate(tree)
    except ValidationError as error:
        raise first_problem(error, Job) from None  # pydantic's text repeats the input, secrets included


def parse_workflow(body: bytes, content_type: str | None = None, most_instances: int = MAX_INSTANCES) -> Workflow:
    """The workflow that the body of a request describes, in YAML where its media type says so, else in JSON.

    A list of jobs is a workflow too, one without a name and without dependencies; those of the jobs that have no name are
    called job1, job2, … by their places. ``most_instances`` is how many instances its factories may make together.

    Raises InvalidDocument as ``parse_job`` does; in a list, fields are named as those of the workflow's ``jobs``.
    """
    tree = _tree(body, content_type)
    if isinstance(tree, list):
        tree = {"jobs": _named(tree)}
    if not isinstance(tree, dict):
        raise InvalidDocument(
            "", f"the body must be an object that describes a workflow or a list of jobs, not {kind(tree)}"
        )
    try:
        workflow = Workflow.model_validate(tree)
    except ValidationError as error:
        raise first_problem(error, Workflow) from None  # pydantic's text repeats the input, secrets included
    check_instances(workflow.factories, most_instances)
    return workflow


def _tree(body: bytes, content_type: str | None) -> Any:
    """What the body says, before any rule of documents."""
    if len(body) > MAX_DOCUMENT_BYTES:
        raise InvalidDocument(
            "", f"the body must have at most {MAX_DOCUMENT_BYTES} bytes: upload large files and use artifacts"
        )
    media_type = (content_type or "").partition(";")[0].strip().lower()
    return strict_yaml.load(body) if media_type in YAML_TYPES else load(body)


def _named(jobs: list[Any]) -> list[Any]:
    """The jobs, those without a name with one that no other has; what is no job stays as it is, to be refused."""
    taken = {job["name"] for job in jobs if isinstance(job, dict) and isinstance(job.get("name"), str)}
    named, free = [], len(jobs)
    for place, job in enumerate(jobs, start=1):
        if isinstance(job, dict) and job.get("name", "") == "":
            number = place
            while f"job{number}" in taken:
                number = free = free + 1
            named.append(job | {"name": f"job{number}"})
        else:
            named.append(job)
    return named
