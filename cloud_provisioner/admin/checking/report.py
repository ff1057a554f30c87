"""The lines of a check: a step each, with how it went and how long it took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from cloud_provisioner.admin.tables import printable
from cloud_provisioner.drivers.contract import CloudAmbiguous, CloudRefused
from cloud_provisioner.errors import ProvisionerError
from pool.errors import PoolError

_NAME = 11


class StepFailed(ProvisionerError):
    """A step of a check has failed; the message says why, and what to do."""


@dataclass
class Report:
    """Says how steps went. `ticks` gives seconds that never go back."""

    say: Callable[[str], None]
    ticks: Callable[[], float]
    check: Callable[[], None] = lambda: None
    """Called before each step: raises KeyboardInterrupt when it is time to end."""
    failed: list[str] = field(default_factory=list)
    """The names of the steps that have failed."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why -> the first step that failed for that."""

    def step(self, name: str, *, always: bool = False) -> Step:
        """A step, to be done within a `with`: what it raises of ours is told, and goes no further.

        `always`: also when it is time to end.
        """
        if not always:
            self.check()
        return Step(self, name)

    def skip(self, *names: str) -> None:
        """Says that steps were not tried."""
        for name in names:
            self.say(f"SKIP  {name}")


@dataclass
class Step:
    """One step on its way. `found` is a phrase that it leaves; `worked` is known afterwards."""

    report: Report
    name: str
    found: str = ""
    worked: bool = False

    def __enter__(self) -> Step:
        self._began = self.report.ticks()
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> bool:
        self.worked = error is None
        took = self.report.ticks() - self._began
        verdict, says = ("PASS", self.found) if error is None else self._failed(_why(error))
        self.report.say(f"{verdict}  {self.name:<{_NAME}}  {took:6.1f} s  {printable(says)}".rstrip())
        return isinstance(error, (ProvisionerError, PoolError))

    def _failed(self, why: str) -> tuple[str, str]:
        """The verdict, and what is said: what stands in the way of several steps is told once."""
        first = self.report.reasons.setdefault(why, self.name)
        if first != self.name:
            return "SKIP", f"what has failed at {first} is needed for it"
        self.report.failed.append(self.name)
        return "FAIL", why


def _why(error: BaseException) -> str:
    if isinstance(error, (CloudRefused, CloudAmbiguous)):
        return error.sentence
    if isinstance(error, PoolError):
        return f"{error} {f'({error.detail})' if error.detail else ''}"
    if isinstance(error, ProvisionerError):
        return str(error)
    return "interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__
