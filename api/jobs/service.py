"""Jobs: create, find, list, delete, read their output. The rules behind the routes; no HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api import metrics
from api.documents.job import Job
from api.documents.redact import as_submitted
from api.documents.references import SCHEME
from api.errors import ApiError, NotAvailable
from api.jobs import available, outputs, progress, translate, view
from api.jobs.commands import CommandLog
from api.jobs.commands import shown as told
from api.jobs.listing import Selection
from api.jobs.lookup import Found, Lookup, identity_in, identity_of, is_of
from api.jobs.once import Once, left_clean
from api.jobs.outputs import Uploads
from api.jobs.queue_limit import QueueLimit
from api.jobs.sandbox import Sandbox
from api.notifications.asking import Notices
from api.records.finished import Query
from api.workflows import instances
from identity.caller import Caller, owner_of
from identity.job_tokens import JobTokens
from pool import attributes
from pool.session import Ad, Pool
from pool.state import ENDED, JobStatus, Status, state
from pool.submission import constraint_string

_NO_WORKFLOW = f"{attributes.Job.INSTANCES} is undefined"


@dataclass(frozen=True)
class Jobs:
    """The jobs of one access point."""

    pool: Pool
    lookup: Lookup
    commands: CommandLog
    tokens: JobTokens
    once: Once
    worker_program: Path
    url: str
    primary_issuer: str
    limit: QueueLimit
    uploads: Uploads | None
    """Object storage, where there is one."""
    notices: Notices

    def create(self, job: Job, caller: Caller, key: str | None) -> int:
        """Queues a job and returns its id. With the same `key` and document a caller gets the same id again."""
        available.check(job, objects=self.uploads is not None)
        self.notices.check_job(job, caller)
        return self.once.submit(as_submitted(job), caller, key, lambda sandbox: self._submit(job, caller, sandbox))

    def _submit(self, job: Job, caller: Caller, sandbox: Sandbox) -> int:
        context = self.context(caller, sandbox)
        token = self.tokens.mint(caller, job=sandbox.name, lifetime=translate.token_lifetime(job))
        with left_clean(sandbox, lambda: self._discard(sandbox)):
            self.limit.check(context.owner)
            self.check_artifacts([(job, ())], caller)
            sandbox.fill(translate.job_file(job, context), token)
            facts = translate.facts(job, context)
            self.notices.keep(job, sandbox.name, caller, facts)
            number = self.pool.submit(translate.submit_description(job, context, facts))
        metrics.SUBMISSIONS.inc()
        self.lookup.index.note(number, facts)
        return number

    def _discard(self, sandbox: Sandbox) -> None:
        sandbox.discard()
        self.notices.discard(sandbox.name)

    def context(self, caller: Caller, sandbox: Sandbox) -> translate.Context:
        """What the translation of a submission into that folder needs."""
        return translate.Context(caller, self.primary_issuer, sandbox.name, sandbox.path, self.worker_program, self.url)

    def check_artifacts(self, jobs: Iterable[tuple[Job, Sequence[str]]], caller: Caller) -> None:
        """Raises NothingUploaded where a job names an upload that is not there, NotAvailable where there is no storage.

        Beside each job stand the names of its parameters: what these are part of is known when the job runs.
        """
        names: set[str] = set()
        for job, parameters in jobs:
            if outputs.needs_storage(job):
                self._uploads()
                names.update(outputs.uploads(job, parameters))
        for name in sorted(names):
            self._uploads().check_upload(name, caller)

    def select(self, selection: Selection, caller: Caller) -> list[dict[str, object]]:
        """The caller's jobs that `selection` asks for, as the API shows them."""
        found: list[Found] = []
        if selection.ids:
            found += self._members(selection, caller)
            selection = selection.without_members()
            if not selection.ids:
                return self.shown(found, selection.detail)
        if selection.active:
            found += ((ad, None) for ad in self._active(selection, caller))
        # Finished jobs are neither idle nor running.
        if selection.finished and selection.status is None:
            finished = self.lookup.history.select(_query(selection, caller))
            found = _latest([*found, *finished])
        return self.shown(found, selection.detail)

    def shown(self, found: Iterable[Found], detail: bool) -> list[dict[str, object]]:
        """The jobs as the API shows them."""
        return [self._shown(ad, report, detail) for ad, report in found]

    def _members(self, selection: Selection, caller: Caller) -> Iterator[Found]:
        """The caller's jobs among the ids that are those of instances of workflows."""
        for number in selection.members:
            found = self.lookup.find(number)
            if found is not None and is_of(found[0], caller) and selection.takes(state(*found).status):
                yield found

    def _active(self, selection: Selection, caller: Caller) -> list[Ad]:
        mine = f"Owner == {constraint_string(self.owner(caller))}"
        constraint = " && ".join(f"({part})" for part in (mine, _NO_WORKFLOW, *selection.constraints()))
        ads = self.pool.query(constraint, view.DESCRIBED if selection.detail else view.LISTED)
        whose = identity_of(caller)
        mine_alone = sorted((ad for ad in ads if identity_in(ad) == whose), key=lambda ad: int(ad["ClusterId"]))
        return [self.lookup.instances.dressed(ad) for ad in mine_alone]

    def describe(self, number: int, caller: Caller) -> list[dict[str, object]]:
        """A list with the caller's job of that id, or an empty one."""
        found = self.lookup.find(number)
        if found is None or not is_of(found[0], caller):
            return []
        shown = self._shown(*found, detail=True)
        execution = shown.get("execution")
        ran = self.commands.of_job(str(found[0][attributes.Job.SUBMISSION])) if isinstance(execution, dict) else ()
        if isinstance(execution, dict) and ran:
            execution["commands"] = told(ran)
        return [shown]

    def _outputs(self, ad: Ad, report: Mapping[str, Any] | None) -> dict[str, Any]:
        if self.uploads is None:
            return {}
        submission, uploads = str(ad[attributes.Job.SUBMISSION]), self.uploads
        document = json.loads(ad[attributes.Job.DOCUMENT])
        return dict(outputs.shown(document, report, lambda name: uploads.output_url(submission, name)))

    def _uploads(self) -> Uploads:
        if self.uploads is None:
            raise NotAvailable("This server has no object storage: give the artifact's URL.", "artifacts")
        return self.uploads

    def delete(self, numbers: Sequence[int], caller: Caller) -> None:
        """Removes jobs from the queue; all are checked before the first is removed. One that was deleted before is fine."""
        active = []
        for number in numbers:
            ad, sandbox = self.lookup.found(number, caller)
            if ad["JobStatus"] not in ENDED:
                active.append((number, ad, sandbox))
            elif state(ad).status != Status.DELETED:
                raise ApiError(f"Job {number} has already ended: there is nothing to delete.")
        queued = []
        for number, ad, sandbox in active:
            waits, in_workflow = ad["ClusterId"] is None, ad.get(attributes.Job.NUMBER) is not None
            # A workflow with maximumReruns puts it into the queue again.
            if in_workflow or translate.CHECKPOINT in str(ad[attributes.Job.DOCUMENT]):
                sandbox.note_deletion()
            # One that waits for its turn in a workflow may have come into the queue before that was noted.
            cluster = self.lookup.found(number, caller)[0]["ClusterId"] if waits else ad["ClusterId"]
            queued += [int(cluster)] if cluster is not None else []
        if queued:
            self.pool.remove(queued, attributes.DELETED_BY_USER)

    def take_out(self, number: int, caller: Caller) -> None:
        """Takes a job that has completed and was left in the queue out of it. One that was taken out before is fine."""
        ad, _ = self.lookup.found(number, caller)
        if attributes.TAKEN_OUT_BY_USER in str(ad.get("RemoveReason") or ""):
            return
        if ad["JobStatus"] != JobStatus.COMPLETED or not self.pool.remove(
            [int(ad["ClusterId"])], attributes.TAKEN_OUT_BY_USER
        ):
            raise ApiError(f"Job {number} is not a finished job left in the queue: there is nothing to take out.")

    def clone(self, number: int, caller: Caller, key: str | None) -> int:
        """Queues what job `number` asked for again, as a new job, and returns its id."""
        ad, sandbox = self.lookup.found(number, caller)
        given = sandbox.job()
        if given is None:
            raise ApiError(f"The files of job {number} are no longer kept: submit its description anew.")
        document = json.loads(ad[attributes.Job.DOCUMENT])
        if any(artifact["url"].startswith(SCHEME) for artifact in document.get("artifacts", ())):
            raise ApiError(
                f"Job {number} needs files of other jobs of its workflow: run the workflow again, or clone it."
            )
        values = json.loads(ad.get(attributes.Job.PARAMETERS) or "{}")
        return self.create(translate.document_again(document, instances.alone(given, values)), caller, key)

    def _shown(self, ad: Ad, report: Mapping[str, Any] | None, detail: bool) -> dict[str, object]:
        if report is None and (detail or view.wants_report(ad)):
            report = self.lookup.sandbox(ad).report()
        shown = view.job(ad, report, detail, self._moment(ad) if detail else None)
        return shown | self._outputs(ad, report) if detail else shown

    def _moment(self, ad: Ad) -> dict[str, object] | None:
        """What a running job does at the moment."""
        began = progress.run_of(ad)
        return None if began is None else progress.progress(self.lookup.sandbox(ad).progress(began), began)

    def owner(self, caller: Caller) -> str:
        """The name under which the caller's jobs run."""
        return owner_of(caller.issuer, caller.subject, self.primary_issuer)


def _query(selection: Selection, caller: Caller) -> Query:
    return Query(
        caller.issuer,
        caller.subject,
        ids=selection.ids,
        name=selection.name,
        label=selection.label,
        limit=selection.limit,
    )


def _latest(found: Iterable[Found]) -> list[Found]:
    """Each job once. It may have left the queue since the queue was asked; an instance that its workflow runs again has left it
    and is in it, or has left it several times, of which the last one counts."""
    latest: dict[str, Found] = {}
    for pair in found:
        name, cluster = str(pair[0][attributes.Job.SUBMISSION]), int(pair[0]["ClusterId"])
        if name not in latest or int(latest[name][0]["ClusterId"]) <= cluster:
            latest.pop(name, None)
            latest[name] = pair
    return list(latest.values())
