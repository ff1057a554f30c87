"""What is written down about a server, before anything is asked of a cloud, and the time limits of its states."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cloud_provisioner.amounts import Amount
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.states import Action, State


class Purpose(StrEnum):
    """Whose jobs a worker takes beside each other."""

    SHARED = "shared"
    """Jobs of everyone that its binding allows."""
    OWN = "own"
    """Multi-node and dedicated jobs of one user."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Whose jobs a worker may run: of one user, of one VO, of both, or (both None) of everyone."""

    user: str | None = None
    vo: str | None = None

    def admits(self, user: str, vo: str) -> bool:
        """Whether a job of this user and VO may run there."""
        return (self.user is None or self.user == user) and (self.vo is None or self.vo == vo)


ANYONE = Binding()


@dataclass(frozen=True, slots=True)
class Intent:
    """The record of one server. It exists before the server does, and until the cloud says the server is gone.

    Times are seconds of the caller's clock. As long as the record exists it reserves `size` of the site's quota.
    """

    uuid: str
    site: str
    flavor: str
    size: Amount
    room: Amount
    """What jobs are expected to find on it."""
    made_at: float
    since: float
    """When it entered its state."""
    binding: Binding = ANYONE
    purpose: Purpose = Purpose.SHARED
    preemptible: bool = False
    state: State = State.INTENDED
    cloud_id: str | None = None
    asked_at: float = float("-inf")
    """When it was last asked to drain or to be deleted."""
    absent: int = 0
    """In how many complete lists in a row it was missing."""
    absent_since: float | None = None
    idle_since: float | None = None
    """Since when it is in the pool without a job; None while it has one or is not there."""
    unwanted: bool = False
    """Whether an admin wants it given back: then it is, as soon as its state allows that."""


@dataclass(frozen=True, slots=True)
class Do:
    """One action, with what it needs: the cloud's id for deletes, the class for failures, seconds for boots."""

    action: Action
    uuid: str
    cloud_id: str | None = None
    failure: Failure | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Times:
    """Time limits in seconds."""

    sending: float = 120
    unsure: float = 60
    """How long after an ambiguous answer the server is still expected."""
    orphaned: float = 4
    """The same after the call of a process that was killed, and after `absences` lists without it."""
    abandoned: float = 3600
    """How long its quota stays reserved after that."""
    building: float = 900
    """A site's description may say otherwise (`boot_timeout`)."""
    joining: float = 600
    lost: float = 900
    """How long a worker may be out of the pool; longer than its jobs' leases are worth waiting for."""
    repeat: float = 15
    """Between two requests to drain or to delete the same server."""
    repeat_gone: float = 2
    """The same for a delete after which the list no longer shows the server."""
    vanished: float = 30
    absences: int = 3
    """Complete lists in a row, over at least `vanished` seconds, without a server before it counts as vanished."""
    pool_settling: float = 300
    """How long after the collector's start, or after a silence of the collector, a missing worker says nothing: more than
    the workers' update interval."""

    def limit(self, state: State) -> float | None:
        """How long a server may stay in a state; None where there is no limit."""
        limits = {
            State.SENDING: self.sending,
            State.UNSURE: self.unsure,
            State.ORPHANED: self.orphaned,
            State.ABANDONED: self.abandoned,
            State.BUILDING: self.building,
            State.JOINING: self.joining,
            State.LOST: self.lost,
        }
        return limits.get(state)
