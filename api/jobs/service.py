"""Jobs: create, find, list, delete, read their output. The rules behind the routes; no HTTP.

A submission is made so that a process may die between any two lines: the folder first, then the queue, then the id in the
folder. With an idempotency key the folder's name follows from the key, so a retry finds what the first try left.
"""

from __future__ import annotations

import errno
import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from api import metrics
from api.documents.job import Job
from api.documents.redact import as_submitted
from api.errors import ApiError, InvalidParameter, NoSuchJob, NoSuchStream, NotYours, StorageFailed
from api.jobs import available, translate, view
from api.jobs.listing import Selection
from api.jobs.queue_limit import QueueLimit
from api.jobs.sandbox import Sandbox
from identity.caller import Caller, owner_of
from identity.job_tokens import JobTokens
from pool import attributes
from pool.errors import OutcomeUnknown, PoolError
from pool.session import Ad, Pool
from pool.state import JobStatus
from pool.submission import constraint_string, escaped


def _new_name() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Jobs:
    """The jobs of one access point."""

    pool: Pool
    tokens: JobTokens
    sandboxes: Path
    worker_program: Path
    url: str
    primary_issuer: str
    limit: QueueLimit
    new_name: Callable[[], str] = _new_name

    def create(self, job: Job, caller: Caller, key: str | None) -> int:
        """Queues a job and returns its id. With the same `key` and document a caller gets the same id again."""
        available.check(job)
        try:
            if key is None:
                return self._submit(job, caller, self._sandbox(self.new_name()))
            return self._create_once(job, caller, key)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
                raise StorageFailed from error
            raise

    def _create_once(self, job: Job, caller: Caller, key: str) -> int:
        scope = "\0".join((caller.issuer, caller.subject, key))
        sandbox = self._sandbox(hashlib.sha256(scope.encode()).hexdigest()[:32])
        fingerprint = hashlib.sha256(json.dumps(as_submitted(job), sort_keys=True).encode()).hexdigest()
        with sandbox.locked():
            earlier = sandbox.request()
            if earlier is not None and earlier != fingerprint:
                raise InvalidParameter(
                    "This Idempotency-Key was sent with another document: use a new key.", "Idempotency-Key"
                )
            known = sandbox.job_id()
            if known is None and earlier is not None:
                known = self.pool.find_submission(sandbox.name)
            if known is None:
                sandbox.remember_request(fingerprint)
                known = self._submit(job, caller, sandbox)
            sandbox.remember_id(known)
            return known

    def _submit(self, job: Job, caller: Caller, sandbox: Sandbox) -> int:
        self.limit.check(self.owner(caller))
        context = translate.Context(
            caller, self.primary_issuer, sandbox.name, sandbox.path, self.worker_program, self.url
        )
        token = self.tokens.mint(caller, job=sandbox.name, lifetime=translate.token_lifetime(job))
        try:
            sandbox.fill(translate.job_file(job, context), token)
            number = self.pool.submit(translate.submit_description(job, context))
        except OutcomeUnknown:
            # The folder stays: a retry with the same key asks the queue. Without a key nobody can ask again, and a job
            # that is in the queue after all cannot start without its files.
            if sandbox.request() is None:
                sandbox.discard()
            raise
        except (PoolError, OSError):
            sandbox.discard()
            raise
        metrics.SUBMISSIONS.inc()
        return number

    def select(self, selection: Selection, caller: Caller) -> list[dict[str, object]]:
        """The caller's jobs that `selection` asks for, as the API shows them."""
        mine = f"Owner == {constraint_string(self.owner(caller))}"
        constraint = " && ".join(f"({part})" for part in (mine, *selection.constraints()))
        projection = view.DESCRIBED if selection.detail else view.LISTED
        ads: list[Ad] = []
        if selection.active:
            ads += sorted(self.pool.query(constraint, projection), key=lambda ad: int(ad["ClusterId"]))
        if selection.finished:
            ads += self.pool.history(constraint, projection, selection.limit)
        whose = _identity(caller)
        return [self._shown(ad, selection.detail) for ad in ads if _identity_in(ad) == whose]

    def describe(self, number: int, caller: Caller) -> list[dict[str, object]]:
        """A list with the caller's job of that id, or an empty one."""
        ad = self._find(number, view.DESCRIBED)
        return [self._shown(ad, True)] if ad is not None and _identity_in(ad) == _identity(caller) else []

    def delete(self, numbers: Sequence[int], caller: Caller) -> None:
        """Removes jobs from the queue; all are checked before the first is removed. One that was deleted before is fine."""
        queued = []
        for number in numbers:
            ad = self._mine(number, caller)
            if ad["JobStatus"] not in (JobStatus.REMOVED, JobStatus.COMPLETED):
                queued.append(number)
            elif attributes.DELETED_BY_USER not in str(ad.get("RemoveReason") or ""):
                raise ApiError(f"Job {number} has already ended: there is nothing to delete.")
        if queued:
            self.pool.remove(queued, attributes.DELETED_BY_USER)

    def take_out(self, number: int, caller: Caller) -> None:
        """Takes a job that has completed and was left in the queue out of it. One that was taken out before is fine."""
        ad = self._mine(number, caller)
        if attributes.TAKEN_OUT_BY_USER in str(ad.get("RemoveReason") or ""):
            return
        if ad["JobStatus"] != JobStatus.COMPLETED or not self.pool.remove([number], attributes.TAKEN_OUT_BY_USER):
            raise ApiError(f"Job {number} is not a finished job left in the queue: there is nothing to take out.")

    def clone(self, number: int, caller: Caller, key: str | None) -> int:
        """Queues what job `number` asked for again, as a new job, and returns its id."""
        ad = self._mine(number, caller)
        given = self._sandbox(str(ad[attributes.Job.SUBMISSION])).job()
        if given is None:
            raise ApiError(f"The files of job {number} are no longer kept: submit its description anew.")
        return self.create(translate.document_again(json.loads(ad[attributes.Job.DOCUMENT]), given), caller, key)

    def output(self, number: int, caller: Caller, stream: str, node: int, offset: int) -> bytes:
        """What a job wrote to `stdout` or `stderr`, from byte `offset` on."""
        ad = self._mine(number, caller)
        text = self._sandbox(str(ad[attributes.Job.SUBMISSION])).stream(stream, offset) if node == 0 else None
        if text is None:
            raise NoSuchStream(f"Job {number} has no {stream} of node {node}, or none yet: it may not have started.")
        return text

    def _mine(self, number: int, caller: Caller) -> Ad:
        ad = self._find(number, view.LISTED)
        if ad is None:
            raise NoSuchJob(number)
        if _identity_in(ad) != _identity(caller):
            raise NotYours(number)
        return ad

    def _find(self, number: int, projection: Sequence[str]) -> Ad | None:
        constraint = f"ClusterId == {int(number)}"
        ads = self.pool.query(constraint, projection, 1) or self.pool.history(constraint, projection, 1)
        # Jobs that did not come through the API have no submission: they are not the API's to show.
        return ads[0] if ads and ads[0].get(attributes.Job.SUBMISSION) else None

    def _shown(self, ad: Ad, detail: bool) -> dict[str, object]:
        report = self._sandbox(str(ad[attributes.Job.SUBMISSION])).report() if detail or view.wants_report(ad) else None
        return view.job(ad, report, detail)

    def owner(self, caller: Caller) -> str:
        """The name under which the caller's jobs run."""
        return owner_of(caller.issuer, caller.subject, self.primary_issuer)

    def _sandbox(self, name: str) -> Sandbox:
        return Sandbox(self.sandboxes / name)


def _identity(caller: Caller) -> tuple[str, str]:
    return escaped(caller.subject), escaped(caller.issuer)


def _identity_in(ad: Ad) -> tuple[object, object]:
    return ad.get(attributes.Job.USER), ad.get(attributes.Job.ISSUER)
