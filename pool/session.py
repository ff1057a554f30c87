"""A session with the pool's schedd: submit, query, history, remove.

Races thought of:
- The schedd moves (a restart gives it another address): its address is cached and looked up again after a failure. The
  sessions with the collector and with the schedd turn out stale then too, one after the other: calls that may be repeated are.
- The schedd hangs, or its host is gone without a word: `pool/patience.py`.
- The schedd dies in the middle of a submission: every job carries a name of our own, its submission, and after any failure
  the queue is searched for that name before anything is said. Only when it cannot be searched is the outcome unknown.
- The bindings (25.0) give up one reference to None too many with each submission, and Python before 3.12 ends the process when
  the last one is gone: after some ten thousand jobs. The reference is replaced.
- A schedd that has never seen the service refuses to let it submit for others ("when active owner is"), because the
  record of its rights is made with its first job: the session then introduces itself with a job of its own, removed at once.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import classad2
import htcondor2

from pool.attributes import Job
from pool.errors import OutcomeUnknown, PoolUnavailable, SubmissionRefused
from pool.patience import Patience
from pool.submission import constraint_string
from pool.values import plain

Ad = Mapping[str, Any]
"""Attributes of a job, evaluated: str, int, float, bool, list or None."""

_T = TypeVar("_T")
_ATTEMPTS = 3
"""How often a call that may be repeated is made, if each fails at once: two stale sessions, and then it should work."""
_replace_reference = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_IncRef", ctypes.pythonapi))
_PLAIN = frozenset((str, int, float, bool))
_NOT_INTRODUCED = "when active owner is"
_INTRODUCTION = {
    "executable": "/bin/true",
    "transfer_executable": "false",
    "hold": "true",
    "My.ProminenceIntroduction": "true",
}


class Pool:
    """The schedd of one pool. HTCondor's configuration comes from the environment (CONDOR_CONFIG).

    Safe to share between threads: calls of one process go one at a time, since the bindings keep state of their own.
    """

    def __init__(self, schedd_name: str = "prominence@", clock: Callable[[], float] = time.monotonic) -> None:
        self._name = schedd_name
        self._patience = Patience(clock)
        self._lock = threading.RLock()
        self._schedd: htcondor2.Schedd | None = None

    def submit(self, description: Mapping[str, str]) -> int:
        """Queues one job and returns its ClusterId. `description` must set the attribute SUBMISSION to a unique name.

        Raises PoolUnavailable when surely nothing was queued, OutcomeUnknown when that cannot be told, and
        SubmissionRefused when the schedd said no.
        """
        submit = htcondor2.Submit(dict(description))
        with self._lock:
            self.make_sure()
            try:
                return self._submit(submit)
            except htcondor2.HTCondorException as error:
                return self._settle(submit, str(error))

    def find_submission(self, name: str) -> int | None:
        """ClusterId of the job with that submission name, queued or finished; None where there is none."""
        constraint = f"{Job.SUBMISSION} == {constraint_string(name)}"
        ads = self.query(constraint, ["ClusterId"], limit=1) or self.history(constraint, ["ClusterId"], limit=1)
        return int(ads[0]["ClusterId"]) if ads else None

    def submissions(self, names: Sequence[str]) -> set[str]:
        """Those of these submissions that are queued or finished. The whole history is read for this, however long it is."""
        constraint = f"member({Job.SUBMISSION}, {{{', '.join(map(constraint_string, names))}}})"
        wanted = [Job.SUBMISSION]
        ads = self.query(constraint, wanted) + self.history(constraint, wanted, limit=-1)
        return {str(ad[Job.SUBMISSION]) for ad in ads}

    def query(self, constraint: str, projection: Sequence[str], limit: int = -1) -> list[Ad]:
        """The jobs in the queue for which `constraint` holds, with the attributes of `projection`; all where limit is -1."""
        with self._lock:
            self.make_sure()
            return self._ask(lambda schedd: schedd.query(constraint, list(projection), limit=limit))

    def history(self, constraint: str, projection: Sequence[str], limit: int) -> list[Ad]:
        """Jobs that have left the queue, the latest first, `limit` at most (-1: all)."""
        with self._lock:
            self.make_sure()
            return self._ask(lambda schedd: schedd.history(constraint, list(projection), limit))

    def remove(self, ids: Sequence[int], reason: str) -> int:
        """Removes the jobs with these ClusterIds, each alone in its cluster, ending those that run. Safe to repeat.

        Returns how many were there, those that are being removed already among them.
        """
        # By id the schedd goes to these jobs alone; a constraint it evaluates on every job in the queue.
        jobs = [f"{int(number)}.0" for number in ids]
        result = self._repeated(lambda: self._located().act(htcondor2.JobAction.Remove, jobs, reason=(reason, 0)))
        return int(result["TotalSuccess"]) + int(result["TotalAlreadyDone"]) if result is not None else 0

    def jobs_of(self, owner: str) -> int:
        """How many jobs of `owner` are in the queue; the schedd keeps the count, so this costs no look at them."""
        ads = self._ask(lambda schedd: schedd.queryUserAds(f"Owner == {constraint_string(owner)}", ["NumJobs"]))
        return sum(int(ad.get("NumJobs") or 0) for ad in ads)

    def machines(self, projection: Sequence[str]) -> list[Ad]:
        """The workers in the pool: a partitionable slot each, with the attributes of `projection`."""
        kind, constraint = htcondor2.AdType.Startd, 'SlotType =?= "Partitionable"'
        ads = self._repeated(lambda: htcondor2.Collector().query(kind, constraint, list(projection)))
        return [_plain(ad) for ad in ads]

    def check(self) -> None:
        """Raises PoolUnavailable when the schedd does not answer within HTCondor's Q_QUERY_TIMEOUT."""
        # Of users' records, of which there are few: a query of jobs, even for none, looks at all of them.
        self._ask(lambda schedd: schedd.queryUserAds("false", ["Owner"]))

    def make_sure(self) -> None:
        """Before a call that may take for ever to fail: raises PoolUnavailable unless the schedd answers, or just did."""
        if not self._patience.is_fresh:
            self.check()

    def _ask(self, question: Callable[[htcondor2.Schedd], list[classad2.ClassAd]]) -> list[Ad]:
        """The schedd's answer to a question."""
        with self._lock:
            ads = self._repeated(lambda: question(self._located()))
            self._patience.answered()
        return [_plain(ad) for ad in ads]

    def _repeated(self, call: Callable[[], _T]) -> _T:
        """The outcome of a call that does no harm when it is made again, which it is after a failure that came at once."""
        with self._lock:
            if self._patience.is_exhausted:
                raise PoolUnavailable("the pool let a call run into its time-out a moment ago")
            for _ in range(_ATTEMPTS):
                began = self._patience.now()
                try:
                    return call()
                except htcondor2.HTCondorException as error:
                    self._schedd, failure = None, error
                    if not self._patience.failed(began):
                        break
            raise PoolUnavailable(str(failure)) from failure

    def _submit(self, submit: htcondor2.Submit) -> int:
        number = int(self._located().submit(submit, count=1).cluster())
        _replace_reference(None)
        self._patience.answered()
        return number

    def _settle(self, submit: htcondor2.Submit, failure: str) -> int:
        """After a failed submission: the job's id if it is in the queue after all, else a second try or an error."""
        name = submit[f"My.{Job.SUBMISSION}"].strip('"')
        found = self._look_for(name, failure)
        if found is not None:
            return found
        try:
            if _NOT_INTRODUCED in failure:
                self._introduce()
            return self._submit(submit)
        except htcondor2.HTCondorException as error:
            again = self._look_for(name, str(error))
            if again is not None:
                return again
            raise SubmissionRefused(str(error)) from error

    def _look_for(self, name: str, failure: str) -> int | None:
        try:
            return self.find_submission(name)
        except PoolUnavailable as error:
            raise OutcomeUnknown(failure) from error

    def _introduce(self) -> None:
        result = self._submit(htcondor2.Submit(_INTRODUCTION))
        self._located().act(htcondor2.JobAction.Remove, [f"{result}.0"], reason=("introduction", 0))

    def _located(self) -> htcondor2.Schedd:
        if self._schedd is None:
            ad = htcondor2.Collector().locate(htcondor2.DaemonType.Schedd, self._name)
            if ad is None:
                raise PoolUnavailable(f"the collector knows no schedd {self._name}")
            self._schedd = htcondor2.Schedd(ad)
        return self._schedd


def _plain(ad: classad2.ClassAd) -> Ad:
    # A list of 10,000 jobs passes through here: most values are plain, and `items()` costs three calls a value.
    try:
        return {key: value if type(value := ad[key]) in _PLAIN else plain(value) for key in ad}
    except ValueError:
        return {key: _readable(ad, key) for key in ad}


def _readable(ad: classad2.ClassAd, key: str) -> object:
    """A value; None where the bindings make none of it, as of a text that is no UTF-8, which anyone may advertise."""
    try:
        return plain(ad[key])
    except ValueError:
        return None
