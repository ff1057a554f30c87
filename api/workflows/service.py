"""Workflows: create, list, describe, delete, run again. The rules behind the routes; no HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api import metrics
from api.documents.redact import as_submitted, redacted
from api.documents.workflow import Workflow
from api.errors import ApiError
from api.jobs import available
from api.jobs import translate as job_translate
from api.jobs.listing import Selection
from api.jobs.lookup import Found, Lookup, identity_in, identity_of, is_of
from api.jobs.once import Once, left_clean
from api.jobs.sandbox import Sandbox
from api.jobs.service import Jobs
from api.records.finished import Query
from api.workflows import dag, files, outcome, translate, view
from api.workflows.errors import NoSuchWorkflow, NotYourWorkflow
from api.workflows.plan import Plan
from api.workflows.translate import Place
from identity.caller import Caller
from pool import attributes, dagman
from pool.dagman import AccessPoint
from pool.numbers import instance_id
from pool.session import Ad
from pool.state import ENDED, PROJECTION, JobStatus, state
from pool.submission import constraint_string

_WORKFLOWS = f"{attributes.Job.INSTANCES} isnt undefined"

Planner = Callable[[Workflow, str], Plan]
"""Makes the plan of a workflow that is submitted under a name."""


@dataclass(frozen=True)
class Workflows:
    """The workflows of one access point, at which at most `idle` jobs of each wait in the queue."""

    jobs: Jobs
    once: Once
    at: AccessPoint
    idle: int
    most_instances: int

    @property
    def lookup(self) -> Lookup:
        """Finds workflows and their jobs."""
        return self.jobs.lookup

    def create(self, workflow: Workflow, caller: Caller, key: str | None) -> int:
        """Queues a workflow and returns its id. With the same `key` and document a caller gets the same id again."""
        return self._create(workflow, caller, key, as_submitted(workflow), translate.plan)

    def _create(self, workflow: Workflow, caller: Caller, key: str | None, document: object, planned: Planner) -> int:
        for index, job in enumerate(workflow.jobs):
            available.check(job, f"jobs[{index}].", objects=self.jobs.uploads is not None)
        self.jobs.notices.check_workflow(workflow, caller)
        return self.once.submit(document, caller, key, lambda sandbox: self._submit(workflow, caller, sandbox, planned))

    def _submit(self, workflow: Workflow, caller: Caller, sandbox: Sandbox, planned: Planner) -> int:
        plan = planned(workflow, sandbox.name)
        context = self.jobs.context(caller, sandbox)
        place = Place(self.lookup.sandboxes, sandbox.path, self.at, self.idle)
        with left_clean(sandbox, lambda: self._discard(sandbox, plan)):
            self.jobs.limit.check(context.owner)
            self._fill(workflow, plan, caller, context, sandbox)
            facts = translate.facts(workflow, context)
            constant = facts | {attributes.Job.INSTANCES: plan.total}
            self.jobs.notices.keep(workflow, sandbox.name, caller, constant)
            number = self.jobs.pool.submit(translate.description(workflow, plan.total, context, facts, place))
        metrics.WORKFLOWS.inc()
        self.lookup.index.note(number, facts)
        return number

    def _discard(self, sandbox: Sandbox, plan: Plan) -> None:
        files.discard(sandbox.path, plan)
        self.jobs.notices.discard(sandbox.name)

    def _fill(
        self, workflow: Workflow, plan: Plan, caller: Caller, context: job_translate.Context, sandbox: Sandbox
    ) -> None:
        jobs = [translate.with_policies(job, workflow) for job in workflow.jobs]
        parameters = (part.parameters for part in plan.parts)
        self.jobs.check_artifacts(zip(jobs, parameters, strict=True), caller)
        nodes = []
        for job, part in zip(jobs, plan.parts, strict=True):
            name = "/".join(filter(None, (plan.name, part.name)))
            described = translate.node_description(job, name, context, self.lookup.sandboxes)
            nodes.append((described, translate.node_file(job, part, context)))
        documents = (as_submitted(workflow), redacted(workflow))
        files.fill(sandbox.path, plan, documents, nodes, dag.lines(plan, workflow.policies.maximum_reruns))
        lifetime = max(map(job_translate.token_lifetime, jobs)) + job_translate.QUEUE_LIFETIME
        files.make_instances(
            sandbox.path, plan, lambda name: self.jobs.tokens.mint(caller, job=name, lifetime=lifetime)
        )

    def select(self, selection: Selection, caller: Caller) -> list[dict[str, object]]:
        """The caller's workflows that `selection` asks for, as the API shows them."""
        found: list[Found] = []
        if selection.active:
            found += ((ad, None) for ad in self._active(selection, caller))
        if selection.finished and selection.status is None:
            query = Query(
                caller.issuer,
                caller.subject,
                ids=selection.ids,
                name=selection.name,
                label=selection.label,
                limit=selection.limit,
                workflows=True,
            )
            finished = self.lookup.history.select(query)
            gone = {ad["ClusterId"] for ad, _ in finished}
            found = [pair for pair in found if pair[0]["ClusterId"] not in gone] + list(finished)
        return [self._shown(ad, kept, selection.detail) for ad, kept in found]

    def _active(self, selection: Selection, caller: Caller) -> list[Ad]:
        mine = f"Owner == {constraint_string(self.jobs.owner(caller))}"
        constraint = " && ".join(f"({part})" for part in (mine, _WORKFLOWS, *selection.constraints()))
        ads = self.jobs.pool.query(constraint, view.SHOWN)
        whose = identity_of(caller)
        return sorted((ad for ad in ads if identity_in(ad) == whose), key=lambda ad: int(ad["ClusterId"]))

    def describe(self, number: int, caller: Caller) -> list[dict[str, object]]:
        """A list with the caller's workflow of that id, or an empty one."""
        found = self.lookup.workflow(number)
        if found is None or not is_of(found[0], caller):
            return []
        shown = self._shown(*found, detail=True)
        waits = self._waits(number) if found[0]["JobStatus"] not in ENDED and dagman.only_waits(found[0]) else ""
        return [{"statusReason": f"None of its jobs runs at the moment: {waits}", **shown} if waits else shown]

    def _waits(self, number: int) -> str:
        """Why one of the workflow's jobs waits: they mostly wait for the same."""
        told = f"{attributes.Job.REASON_TEXT} isnt undefined"
        ads = self.jobs.pool.query(f"DAGManJobId == {number} && JobStatus == 1 && {told}", PROJECTION, 1)
        return state(ads[0]).reason if ads else ""

    def _shown(self, ad: Ad, kept: Mapping[str, Any] | None, detail: bool) -> dict[str, object]:
        folder = self.lookup.sandbox(ad).path
        plan = self.lookup.instances.plan(folder.name)
        reason = ""
        if outcome.ended_by_itself(ad) and ad.get("ExitCode") != 0:
            reason = str((kept or {}).get("reason") or outcome.reason(ad, self.lookup.instances))
        shown = view.workflow(ad, outcome.of(ad, reason), outcome.progress(ad, folder, plan))
        return view.described(shown, (kept or {}).get("workflow") or files.shown(folder)) if detail else shown

    def delete(self, numbers: Sequence[int], caller: Caller) -> None:
        """Removes workflows with all of their jobs; all are checked before the first is removed. Deleting twice is fine."""
        queued = []
        for number in numbers:
            ad = self._found(number, caller)[0]
            if ad["JobStatus"] not in ENDED:
                queued.append(number)
            elif attributes.DELETED_BY_USER not in str(ad.get("RemoveReason") or ""):
                raise ApiError(f"Workflow {number} has already ended: there is nothing to delete.")
        if queued:
            self.jobs.pool.remove(queued, attributes.DELETED_BY_USER)

    def take_out(self, number: int, caller: Caller) -> None:
        """Takes a workflow that has ended and was left in the queue out of it. One that was taken out before is fine."""
        ad = self._found(number, caller)[0]
        if attributes.TAKEN_OUT_BY_USER in str(ad.get("RemoveReason") or ""):
            return
        ended = ad["JobStatus"] == JobStatus.COMPLETED
        if not ended or not self.jobs.pool.remove([number], attributes.TAKEN_OUT_BY_USER):
            raise ApiError(f"Workflow {number} is not a finished one left in the queue: there is nothing to take out.")

    def clone(self, number: int, caller: Caller, key: str | None) -> int:
        """Queues what workflow `number` asked for again, as a new workflow, and returns its id."""
        return self.create(self._document(number, self._found(number, caller)[0]), caller, key)

    def rerun(self, number: int, caller: Caller, key: str | None) -> int:
        """Queues what failed and what never ran of workflow `number`, as a new workflow, and returns its id."""
        ad = self._found(number, caller)[0]
        if ad["JobStatus"] not in ENDED:
            raise ApiError(f"Workflow {number} has not ended: wait for its end, or delete it first.")
        document = self._document(number, ad)
        earlier = self._plan(number, ad)
        states = self.lookup.sandbox(ad).path / dagman.STATES_FILE
        done = earlier.done | {int(name[-8:], 16) for name in dagman.succeeded(states)}
        if len(done) == earlier.total:
            raise ApiError(f"All jobs of workflow {number} ended well: there is nothing to run again.")

        def planned(_: Workflow, submission: str) -> Plan:
            return translate.again(earlier, submission, frozenset(done))

        return self._create(document, caller, key, ["rerun", number], planned)

    def job_id(self, number: int, name: str, caller: Caller) -> int:
        """The id of a job of the caller's workflow, by its name: `JOB`, or `JOB/INSTANCE` where it has a factory."""
        _, plan = self.planned(number, caller)
        found = plan.number_of(name, None)
        job, _, instance = name.rpartition("/")
        if found is None and instance.isascii() and instance.isdigit() and len(instance) < 8:
            found = plan.number_of(job, int(instance))
        if found is None:
            raise NoSuchWorkflow(
                f"Workflow {number} has no job {name!r}: see its jobs, and give the instance of a factory's."
            )
        return instance_id(number, found)

    def planned(self, number: int, caller: Caller) -> tuple[Ad, Plan]:
        """The ad and the plan of the caller's workflow.

        Raises NoSuchWorkflow, NotYourWorkflow, ApiError where its files are no longer kept.
        """
        ad = self._found(number, caller)[0]
        return ad, self._plan(number, ad)

    def _found(self, number: int, caller: Caller) -> Found:
        found = self.lookup.workflow(number)
        if found is None:
            raise NoSuchWorkflow(f"There is no workflow {number}: see the list of your workflows.")
        if not is_of(found[0], caller):
            raise NotYourWorkflow(number)
        return found

    def _document(self, number: int, ad: Ad) -> Workflow:
        given = files.submitted(self.lookup.sandbox(ad).path)
        if given is None:
            raise _no_files(number)
        return Workflow.model_validate(given)

    def _plan(self, number: int, ad: Ad) -> Plan:
        plan = self.lookup.instances.plan(str(ad[attributes.Job.SUBMISSION]))
        if plan is None:
            raise _no_files(number)
        return plan


def _no_files(number: int) -> ApiError:
    return ApiError(f"The files of workflow {number} are no longer kept: submit its description anew.")
