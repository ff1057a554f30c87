"""The service as Python calls: one method for each thing a user may ask about jobs."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import requests

from prominence.address import checked_token, service_url
from prominence.downloads import download
from prominence.errors import InvalidInput, NoSuchJob, UnexpectedAnswer
from prominence.jobs import CommandResult, Document
from prominence.streaming import EVENT_STREAM, SILENCE, Piece, pieces
from prominence.transport import Backoff, Transport
from prominence.watching import watch

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

    def create_job(self, job: Mapping[str, Any], idempotency_key: str | None = None) -> int:
        """Create a job from its description and return its id.

        With the `idempotency_key` of an earlier call the id of the job made then is returned, and no other is
        made. Without one a fresh key is used, so that the retries of this call make one job.
        """
        key = idempotency_key or uuid.uuid4().hex
        response = self._transport.request("POST", "/jobs", body=_encoded(job), headers={"Idempotency-Key": key})
        answer = self._decoded(response)
        job_id = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(job_id, int):
            raise self._unexpected(response)
        return job_id

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
    ) -> list[Document]:
        """Return the caller's jobs: the active ones, the `num` (1) last finished (`completed`), or `all`.

        `status` is `idle` or `running`, `constraint` is `<label>=<value>`; `detail` gives each as described.
        """
        params: dict[str, str] = {}
        for key, wanted in (("completed", completed), ("all", all), ("detail", detail)):
            if wanted:
                params[key] = "true"
        for key, text in (("status", status), ("name", name), ("constraint", constraint)):
            if text is not None:
                params[key] = text
        if num is not None:
            params["num"] = str(num)
        if ids is not None:
            params["id"] = _joined(ids)
        response = self._transport.request("GET", "/jobs", params=params)
        return self._jobs(response)

    def describe_job(self, job_id: int) -> Document:
        """Return all that is known about one job, active or finished. Raises NoSuchJob."""
        found = self._jobs(self._transport.request("GET", f"/jobs/{job_id}"))
        if not found:
            raise NoSuchJob(job_id)
        return found[0]

    def delete_jobs(self, ids: Iterable[int]) -> None:
        """Take jobs out of the queue, and end them where they run."""
        joined = _joined(ids)
        if not joined:
            return
        if "," in joined:
            self._transport.request("DELETE", "/jobs", params={"id": joined})
        else:
            self._transport.request("DELETE", f"/jobs/{joined}")

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
        body: Document = {"command": list(command)}
        if timeout is not None:
            body["timeout"] = timeout
        silence = (timeout or COMMAND_TIME) + COMMAND_MARGIN
        response = self._transport.once("POST", f"/jobs/{job_id}/exec", body=_encoded(body), silence=silence)
        answer = self._decoded(response)
        try:
            return CommandResult.of(answer)
        except (KeyError, TypeError):
            raise self._unexpected(response) from None

    def snapshot(self, job_id: int, path: str) -> Iterator[bytes]:
        """Archive a file or directory of the running job, and return the archive (gzipped tar) in pieces.

        Raises Refused where the job does not run or has no such path; the iterator Unreachable, also midway.
        """
        self._transport.once("PUT", f"/jobs/{job_id}/snapshot", params={"path": path}, silence=SNAPSHOT_TIME)
        response = self._transport.request("GET", f"/jobs/{job_id}/snapshot")
        answer = self._decoded(response)
        url = answer.get("url") if isinstance(answer, dict) else None
        if not isinstance(url, str):
            raise self._unexpected(response)
        return download(self._session, url, self._timeout)

    def job_events(self, job_id: int) -> list[Document]:
        """Return what happened to the job, oldest first: each with `time` (epoch seconds) and `event`."""
        response = self._transport.request("GET", f"/jobs/{job_id}/events")
        answer = self._decoded(response)
        if not isinstance(answer, list) or not all(_is_event(entry) for entry in answer):
            raise self._unexpected(response)
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

    def _jobs(self, response: requests.Response) -> list[Document]:
        answer = self._decoded(response)
        if not isinstance(answer, list) or not all(_is_job(entry) for entry in answer):
            raise self._unexpected(response)
        return answer

    def _decoded(self, response: requests.Response) -> object:
        try:
            answer: object = response.json()
        except (ValueError, RecursionError):
            raise self._unexpected(response) from None
        return answer

    def _unexpected(self, response: requests.Response) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            f"{self.url} answered something that is no answer of the service: check PROMINENCE_URL.",
            status=response.status_code,
        )


def _encoded(job: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(job, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"The job's description cannot be written as JSON: {error}.") from None


def _joined(ids: Iterable[int]) -> str:
    return ",".join(str(job_id) for job_id in ids)


def _is_job(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("id"), int) and isinstance(entry.get("status"), str)


def _is_event(entry: object) -> bool:
    return (
        isinstance(entry, dict) and isinstance(entry.get("time"), (int, float)) and isinstance(entry.get("event"), str)
    )
