"""The REST API with an executioner: a process that ends, as by kill -9, at the moment that a request names.

A WSGI server loads it as `tests.pool.killing:application()`, settings and pool as for the API proper. A request says in the
header `Die` when its process shall end:

    before-submit   all files are there, the queue was not asked
    submitting N    N microseconds after the conversation with the schedd began, unless it is over by then
    submitted       the schedd has answered, nothing was noted
    answering       all was done and noted, the answer was not sent
    line N          before the N-th line that the request is the first time at, of those that make a submission

Or it says what shall happen to the schedd's answer, while the process lives on:

    lost            the job is queued, the answer does not arrive
    lost with PID   and the schedd, which is that process, is killed
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from flask import request
from htcondor2 import HTCondorException

import api.jobs.index
import api.jobs.once
import api.jobs.sandbox
import api.jobs.service
import api.workflows.files
import api.workflows.service
import pool.session
from api.app import create_app
from api.settings import load

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HEADER = "Die"
_TRACED = {
    str(module.__file__)
    for module in (
        api.jobs.index,
        api.jobs.once,
        api.jobs.sandbox,
        api.jobs.service,
        api.workflows.files,
        api.workflows.service,
        pool.session,
    )
}
_Tracer = Callable[[FrameType, str, Any], Any]


class DyingPool(pool.session.Pool):
    """The pool, with deaths around the submission."""

    def submit(self, description: Mapping[str, str]) -> int:
        """Submits a job, unless the request wants to die before, meanwhile or after."""
        when, _, number = request.headers.get(HEADER, "").partition(" ")
        if when == "before-submit":
            _die()
        if when == "submitting":
            # What SIGALRM does unless told otherwise is to end the process at once, also in the midst of foreign code.
            signal.setitimer(signal.ITIMER_REAL, int(number) / 1e6)
        cluster = super().submit(description)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if when == "submitted":
            _die()
        return cluster

    def _submit(self, submit: Any) -> int:
        cluster = super()._submit(submit)
        fate, _, schedd = request.headers.get(HEADER, "").partition(" with ")
        if fate != "lost":
            return cluster
        if schedd:
            os.kill(int(schedd), signal.SIGKILL)
        raise HTCondorException("the answer was lost")


class Executioner:
    """WSGI middleware with the deaths that are not the pool's."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serves a request, or dies of it."""
        when, _, number = environ.get(f"HTTP_{HEADER.upper()}", "").partition(" ")
        if when == "line":
            sys.settrace(_dying_at(int(number)))
        try:
            body = self._app(environ, start_response)
        finally:
            sys.settrace(None)
        if when == "answering":
            _die()
        return body


def application() -> Executioner:
    """The application for the settings file named in the environment."""
    settings = load(Path(os.environ["PROMINENCE_SETTINGS"]))
    return Executioner(create_app(settings, DyingPool(settings.schedd)))


def _dying_at(number: int) -> _Tracer:
    """A trace function that ends the process before the line that is `number`-th to be reached for the first time."""
    reached: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, _: Any) -> _Tracer | None:
        if frame.f_code.co_filename not in _TRACED:
            return None
        if event == "line":
            reached.add((frame.f_code.co_filename, frame.f_lineno))
            if len(reached) == number:
                _die()
        return trace

    return trace


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
