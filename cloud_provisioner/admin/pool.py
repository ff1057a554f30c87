"""The pool as admins' commands look at it, with the provisioner's own rights.

HTCondor's bindings read their configuration when they are imported, and complain where there is none: they are imported by
those commands alone that need them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cloud_provisioner.admin.ending import noticed
from cloud_provisioner.errors import PoolSilent
from pool.errors import PoolUnavailable

if TYPE_CHECKING:
    from pool.errands import Errands
    from pool.head import Head

VARIABLE = "CONDOR_CONFIG"

Ad = Mapping[str, Any]
Matcher = Callable[[tuple[int, int], Sequence[str]], Mapping[str, str]]
"""(job, names of workers) -> what HTCondor says of each."""


def connected(schedd: str, environ: Mapping[str, str]) -> Head:
    """The pool whose access point is `schedd`. PoolSilent where this process has no configuration for it."""
    _check_configured(environ)
    from pool.head import Head

    return Head(schedd)


def errands(schedd: str, environ: Mapping[str, str]) -> Errands:
    """The same pool, to be given a job that does nothing. PoolSilent."""
    _check_configured(environ)
    from pool.errands import Errands

    return Errands(schedd)


def _check_configured(environ: Mapping[str, str]) -> None:
    if not environ.get(VARIABLE):
        raise PoolSilent(f"{VARIABLE} is not set: set it as for the provisioner")


@contextmanager
def asking() -> Iterator[None]:
    """Whatever the pool does not answer becomes PoolSilent; who is told to end meanwhile does so afterwards."""
    with noticed() as ending:
        try:
            yield
        except PoolUnavailable as error:
            raise PoolSilent(error.detail) from error
    ending.check()


def matcher(schedd: str) -> Matcher:
    """HTCondor's verdicts as phrases about workers; to be called where `connected` has worked. PoolSilent."""
    from pool.matching import Match, Matching

    says = {
        Match.NOTHING: "matches: it is the job's at the next negotiation, if nobody of higher priority takes it",
        Match.JOB: "does not meet the job's Requirements (condor_q -better-analyze)",
        Match.WORKER: "refuses the job by its START expression",
    }
    pool = Matching(schedd)

    def verdicts(job: tuple[int, int], workers: Sequence[str]) -> Mapping[str, str]:
        with asking():
            return {name: says[match] for name, match in pool.matches(job, workers).items()} if workers else {}

    return verdicts
