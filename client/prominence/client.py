"""The service as Python calls: one method for each thing a user may ask about jobs; workflows are below `workflows`."""

from __future__ import annotations

import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import requests

from prominence.address import checked_token, service_url
from prominence.answers import Answers, Described, body, encoded, joined, list_parameters
from prominence.downloads import download
from prominence.errors import InvalidInput, NoSuchJob
from prominence.jobs import CommandResult, Document
from prominence.streaming import EVENT_STREAM, SILENCE, Piece, pieces
from prominence.transport import Backoff, Transport
from prominence.watching import watch
from prominence.workflows import Workflows

COMMAND_TIME = 60.0
"""Seconds that the service gives a command which names no time of its own."""
COMMAND_MARGIN = 30.0
"""Seconds for the way to the worker and back."""
SNAPSHOT_TIME = 3600.0
"""Seconds that a snapshot may take: the longest that a service may allow it."""


class Client:
    """A connection to one service as one user.

    `url` is the service's address, with or without `/prominence/v1`; `token` a bearer token. `timeout`
    (seconds) holds for connecting and for each wait for data. `session` may bring proxies or certificates of
    its own. `sleep` is how the client waits between attempts. Not to be shared between threads.

    Every method raises a child of `prominence.Error`: NotAuthenticated, Forbidden, Refused, UnexpectedAnswer,
    and after the retries that `backoff` allows, Unavailable or Unreachable.
    """

    def __init__(
        self,
        url: str,
        token: str,
        timeout: float = 30.0,
        session: requests.Session | None = None,
        *,
        backoff: Backoff | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = service_url(url)
        self._answers = Answers(self.url)
        self._timeout = timeout
        self._session = session or requests.Session()
        self._transport = Transport(
            self.url,
            checked_token(token),
            timeout=timeout,
            session=self._session,
            backoff=backoff or Backoff(),
            sleep=sleep,
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, **options: Any) -> Client:
        """Make a client of PROMINENCE_URL and PROMINENCE_TOKEN; `options` are those of the class.

        Raises InvalidInput without a usable URL, NotAuthenticated without a token.
        """
        url = environ.get("PROMINENCE_URL", "")
        if not url.strip():
            raise InvalidInput(
                "Set PROMINENCE_URL to the address of the service, for example https://prominence.example.org."
            )
        return cls(url, environ.get("PROMINENCE_TOKEN", ""), **options)

    @property
    def workflows(self) -> Workflows:
        """The caller's workflows: create, list, describe, run again."""
        return Workflows(self._transport, self._answers)

    def create_job(self, job: Described, idempotency_key: str | None = None) -> int:
        """Create a job from its description, bytes being YAML, and return its id.

        With the `idempotency_key` of an earlier call the id of the job made then is returned, and no other is
        made. Without one a fresh key is used, so that the retries of this call make one job.
        """
        content, headers = body(job, "job")
        headers["Idempotency-Key"] = idempotency_key or uuid.uuid4().hex
        return self._answers.created(self._transport.request("POST", "/jobs", body=content, headers=headers))

    def list_jobs(
        self,
        completed: bool = False,
        num: int | None = None,
        all: bool = False,
        status: str | None = None,
        name: str | None = None,
        constraint: str | None = None,
        ids: Iterable[int] | None = None,
        detail: bool = False,
        workflow: int | None = None,
    ) -> list[Document]:
        """Return the caller's jobs: the active ones, the `num` (1) last finished (`completed`), or `all`.

        `status` is `idle` or `running`, `constraint` is `<label>=<value>`; `detail` gives each as described. With the id
        of a `workflow` they are its jobs, and `name`, `constraint` and `ids` cannot be given.
        """
        if workflow is not None and (name, constraint, ids) != (None, None, None):
            raise InvalidInput("The jobs of a workflow cannot be chosen by name, label or id: leave these out.")
        params = list_parameters(completed, num, all, status, name, constraint, ids, detail)
        if workflow is not None:
            params.update(workflow="true", id=str(workflow))
        return self._answers.documents(self._transport.request("GET", "/jobs", params=params))

    def describe_job(self, job_id: int) -> Document:
        """Return all that is known about one job, active or finished. Raises NoSuchJob."""
        found = self._answers.documents(self._transport.request("GET", f"/jobs/{job_id}"))
        if not found:
            raise NoSuchJob(job_id)
        return found[0]

    def delete_jobs(self, ids: Iterable[int]) -> None:
        """Take jobs out of the queue, and end them where they run."""
        wanted = joined(ids)
        if not wanted:
            return
        if "," in wanted:
            self._transport.request("DELETE", "/jobs", params={"id": wanted})
        else:
            self._transport.request("DELETE", f"/jobs/{wanted}")

    def stdout(self, job_id: int, node: int = 0, offset: int = 0) -> bytes:
        """Return the standard output so far, from byte `offset` on, of the given node (the first is 0).

        Raises Refused where there is no such job, or nothing was written yet.
        """
        return self._stream(job_id, "stdout", node, offset)

    def stderr(self, job_id: int, node: int = 0, offset: int = 0) -> bytes:
        """Return the standard error so far; as `stdout`."""
        return self._stream(job_id, "stderr", node, offset)

    def follow(self, job_id: int, stream: str = "stdout", place: str = "") -> Iterator[Piece]:
        """Yield the job's `stdout` or `stderr` as it grows, until the job has ended.

        `place` is that of an earlier piece, to go on behind it. Raises Unreachable when the connection is lost,
        UnexpectedAnswer where the service cannot do this.
        """
        headers = {"Last-Event-ID": place} if place else {}
        path = f"/jobs/{job_id}/{stream}?follow=true"
        return pieces(self._transport.lines(path, EVENT_STREAM, headers=headers, silence=SILENCE))

    def run_command(self, job_id: int, command: Sequence[str], timeout: float | None = None) -> CommandResult:
        """Run a command in the running job and return what it wrote and its exit code.

        `timeout` is the command's, in seconds; None leaves it to the service. The request is sent once: a command may
        have effects. Raises Refused where the job does not run, the command cannot start or its time is over.
        """
        wanted: Document = {"command": list(command)}
        if timeout is not None:
            wanted["timeout"] = timeout
        silence = (timeout or COMMAND_TIME) + COMMAND_MARGIN
        response = self._transport.once("POST", f"/jobs/{job_id}/exec", body=encoded(wanted), silence=silence)
        answer = self._answers.decoded(response)
        try:
            return CommandResult.of(answer)
        except (KeyError, TypeError):
            raise self._answers.unexpected(response) from None

    def snapshot(self, job_id: int, path: str) -> Iterator[bytes]:
        """Archive a file or directory of the running job, and return the archive (gzipped tar) in pieces.

        Raises Refused where the job does not run or has no such path; the iterator Unreachable, also midway.
        """
        self._transport.once("PUT", f"/jobs/{job_id}/snapshot", params={"path": path}, silence=SNAPSHOT_TIME)
        response = self._transport.request("GET", f"/jobs/{job_id}/snapshot")
        answer = self._answers.decoded(response)
        url = answer.get("url") if isinstance(answer, dict) else None
        if not isinstance(url, str):
            raise self._answers.unexpected(response)
        return download(self._session, url, self._timeout)

    def job_events(self, job_id: int) -> list[Document]:
        """Return what happened to the job, oldest first: each with `time` (epoch seconds) and `event`."""
        response = self._transport.request("GET", f"/jobs/{job_id}/events")
        answer = self._answers.decoded(response)
        if not isinstance(answer, list) or not all(_is_event(entry) for entry in answer):
            raise self._answers.unexpected(response)
        return answer

    def wait(
        self,
        job_id: int,
        poll: float = 5.0,
        timeout: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Document:
        """Return the job's description once it has ended, looking at most every `poll` seconds.

        Raises StillActive after `timeout` seconds (None: never), NoSuchJob. Short outages are waited out.
        """
        looks = self.watch(job_id, poll, timeout, clock=clock, sleep=sleep)
        return deque(looks, maxlen=1).pop()

    def watch(
        self,
        job_id: int,
        poll: float = 5.0,
        timeout: float | None = None,
        *,
        created: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Iterator[Document]:
        """Yield the job's description at every look, until it has ended; as `wait`.

        `created` says that this client just made the job: it is then waited for even before it can be seen.
        """
        return watch(self.describe_job, job_id, poll=poll, timeout=timeout, created=created, clock=clock, sleep=sleep)

    def _stream(self, job_id: int, stream: str, node: int, offset: int) -> bytes:
        params = {"node": str(node), "offset": str(offset)}
        headers = {"Accept": "text/plain, */*"}
        return self._transport.request("GET", f"/jobs/{job_id}/{stream}", params=params, headers=headers).content


def _is_event(entry: object) -> bool:
    return (
        isinstance(entry, dict) and isinstance(entry.get("time"), (int, float)) and isinstance(entry.get("event"), str)
    )
