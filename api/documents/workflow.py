"""A workflow as a user describes it: the body of ``POST /workflows``, valid on its own and against nothing else.

A ``Workflow`` that exists obeys every rule of the contract but one: how many instances it may have is a setting, which
``factories.check_instances`` knows. No rule makes instances, so none takes longer for a larger sweep.
"""

import graphlib
from collections.abc import Iterable, Iterator
from typing import Annotated, NamedTuple, Self

from pydantic import BeforeValidator, Field, model_validator

from api.documents.base import Document, at_most, broken
from api.documents.factories import Factory, JobReference, count
from api.documents.job import MAX_LABELS, Entries
from api.documents.references import BadReference, Kept, Reference, resolve
from api.documents.substitution import Substitution
from api.documents.text import JobName, LabelKey, LabelValue
from api.documents.wording import shown
from api.documents.workflow_parts import WorkflowJob, WorkflowNotification, WorkflowPolicies

MAX_JOBS = 10_000
"""Jobs of a workflow, each counted once however many instances a factory makes of it."""
_MOST_NAMED = 10
"""Jobs of a cycle that a message names."""

Children = Annotated[tuple[JobReference, ...], Field(strict=False, fail_fast=True, max_length=MAX_JOBS)]


class Workflow(Document):
    """Jobs that belong together, run in an order where they depend on one another.

    Names of jobs are unique, and so are those of factories; a job is made by one factory at most. No job waits for itself,
    directly or through others, be it by the dependencies or by artifacts that other jobs leave behind.
    """

    name: JobName = Field(default="", description="Name of the workflow; it need not be unique.")
    labels: Annotated[dict[LabelKey, LabelValue], BeforeValidator(at_most(MAX_LABELS))] = Field(
        default_factory=dict, max_length=MAX_LABELS, description="Labels to find the workflow by."
    )
    jobs: Annotated[tuple[WorkflowJob, ...], Field(strict=False, fail_fast=True)] = Field(
        min_length=1, max_length=MAX_JOBS, description="The jobs, in any order."
    )
    dependencies: Annotated[dict[JobReference, Children], BeforeValidator(at_most(MAX_JOBS))] = Field(
        default_factory=dict,
        max_length=MAX_JOBS,
        description="By the name of a job, names of those that run only when it is done, with all its instances.",
    )
    factories: Entries[Factory] = Field(
        default=(), description="Which jobs are run many times, and with which parameters."
    )
    policies: WorkflowPolicies = Field(default=WorkflowPolicies(), description="How the workflow is to be treated.")
    notifications: Entries[WorkflowNotification] = Field(default=(), description="Messages to send about the workflow.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _check_names(self)
        _check_factories(self)
        _check_dependencies(self)
        _check_substitutions(self)
        artifacts = tuple(job_artifacts(self))
        _check_artifacts(self, artifacts)
        _check_order(self, _edges(self, artifacts))
        return self


class JobArtifact(NamedTuple):
    """An artifact that a job has of another: ``job`` and ``artifact`` are their places in the workflow and in the job."""

    job: int
    artifact: int
    reference: Reference


def instances(workflow: Workflow) -> dict[str, int | None]:
    """How many instances each job has, by its name and in the order of the jobs; None for one without a factory."""
    made = {name: number for factory in workflow.factories for number in [count(factory)] for name in factory.jobs}
    return {job.name: made.get(job.name) for job in workflow.jobs}


def job_artifacts(workflow: Workflow) -> Iterator[JobArtifact]:
    """All artifacts that jobs have of one another, in the order of the document."""
    jobs, made_by = instances(workflow), _made_by(workflow)
    for place, job in enumerate(workflow.jobs):
        for index, artifact in enumerate(job.artifacts):
            if artifact.is_of_job:
                try:
                    yield JobArtifact(place, index, resolve(artifact.url, jobs, _parameters(made_by.get(job.name))))
                except BadReference as error:
                    raise broken(error.says, "jobs", place, "artifacts", index, "url") from error


def edges(workflow: Workflow) -> tuple[tuple[str, str], ...]:
    """All dependencies, declared and implied by artifacts: names of a parent and a child, each pair once."""
    return _edges(workflow, job_artifacts(workflow))


def _edges(workflow: Workflow, artifacts: Iterable[JobArtifact]) -> tuple[tuple[str, str], ...]:
    declared = [(parent, child) for parent, children in workflow.dependencies.items() for child in children]
    implied = [(found.reference.job, workflow.jobs[found.job].name) for found in artifacts]
    return tuple(dict.fromkeys(declared + implied))


def _made_by(workflow: Workflow) -> dict[str, Factory]:
    return {name: factory for factory in workflow.factories for name in factory.jobs}


def _parameters(factory: Factory | None) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in factory.parameters) if factory else ()


def _check_names(workflow: Workflow) -> None:
    seen: dict[str, int] = {}
    for index, job in enumerate(workflow.jobs):
        if (first := seen.setdefault(job.name, index)) != index:
            raise broken(
                f"is {shown(job.name)}, the name of jobs[{first}]: give each job its own", "jobs", index, "name"
            )


def _check_factories(workflow: Workflow) -> None:
    known = {job.name for job in workflow.jobs}
    names: dict[str, int] = {}
    makers: dict[str, int] = {}
    for index, factory in enumerate(workflow.factories):
        at = ("factories", index)
        if factory.name and (first := names.setdefault(factory.name, index)) != index:
            raise broken(f"is {shown(factory.name)}, the name of factories[{first}]: give each its own", *at, "name")
        for place, name in enumerate(factory.jobs):
            if name not in known:
                raise broken(f"is {shown(name)}, but there is no job of this name in jobs", *at, "jobs", place)
            if name in makers:
                raise broken(
                    f"is {shown(name)}, which factories[{makers[name]}] makes already: a job has one factory at most",
                    *(*at, "jobs", place),
                )
            makers[name] = index


def _check_dependencies(workflow: Workflow) -> None:
    known = {job.name for job in workflow.jobs}
    for parent, children in workflow.dependencies.items():
        if parent not in known:
            raise broken(f"is about {shown(parent)}, but there is no job of this name in jobs", "dependencies", parent)
        for place, child in enumerate(children):
            if child not in known:
                says = f"is {shown(child)}, but there is no job of this name in jobs"
            elif child == parent:
                says = f"is {shown(child)} itself: a job cannot wait for itself"
            else:
                continue
            raise broken(says, "dependencies", parent, place)


def _check_substitutions(workflow: Workflow) -> None:
    places = {job.name: index for index, job in enumerate(workflow.jobs)}
    for factory in workflow.factories:
        substitution = Substitution(factory)
        for name in factory.jobs:
            substitution.check(workflow.jobs[places[name]], "jobs", places[name])


def _check_artifacts(workflow: Workflow, artifacts: Iterable[JobArtifact]) -> None:
    jobs, made_by = {job.name: job for job in workflow.jobs}, _made_by(workflow)
    kept: dict[str, Kept] = {}
    for place, index, wanted in artifacts:
        name = wanted.job
        if name == workflow.jobs[place].name:
            raise broken(
                f"is of {shown(name)} itself: a job cannot wait for itself", "jobs", place, "artifacts", index, "url"
            )
        if name not in kept:
            made = jobs[name]
            kept[name] = Kept(made.output_files, made.output_dirs, _parameters(made_by.get(name)))
        if not kept[name].may_have(wanted.file, _parameters(made_by.get(workflow.jobs[place].name))):
            raise broken(
                f"is {shown(wanted.file)} of {shown(name)}, which does not keep it: list it there in outputFiles, or "
                "give one of the names in outputFiles and outputDirs",
                *("jobs", place, "artifacts", index, "url"),
            )


def _check_order(workflow: Workflow, pairs: Iterable[tuple[str, str]]) -> None:
    order = graphlib.TopologicalSorter[str]()
    for parent, child in pairs:
        order.add(child, parent)
    try:
        order.prepare()
    except graphlib.CycleError as error:
        cycle: list[str] = error.args[1]
        named = [shown(name) for name in cycle]
        if len(named) > _MOST_NAMED:
            named[_MOST_NAMED - 1 : -1] = [f"{len(named) - _MOST_NAMED} more"]
        at = "dependencies" if workflow.dependencies else "jobs"
        raise broken(f"must not make jobs wait for one another in a circle: {' before '.join(named)}", at) from error
