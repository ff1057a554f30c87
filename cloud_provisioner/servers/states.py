"""The states of a server as a table: (state, what was seen) -> state, actions.

The races that the table settles:

- A create whose answer was lost may have been carried out, now or later (SENDING, UNSURE). The list, searched for our
  uuid, tells; nothing is created twice for one intent. What does not show up in time stops counting as a worker on its
  way but keeps its reservation (ABANDONED), because it may still appear; when it does, it is used.
- The pool's word wins over the cloud's: a worker that the pool sees is not deleted because the cloud calls it broken or
  leaves it out of a list. A worker that the pool no longer sees may come back (LOST) until its time is up.
- A worker may have joined while nobody looked: the process was away, or the pool did not answer. What may be at work
  (BUILDING, JOINING, LOST) is given up, for its time or the cloud's bad news, only by a pool's word that has it not.
- A process that was killed may have been about to send a create call, or have sent it: no answer will come, and nothing
  will be sent any more (ORPHANED). A few lists tell; it is not waited for as long as for a cloud that answers late.
- Between "idle" and "delete" a job may arrive: a joined worker is drained first, and only the pool's word that it is
  drained (takes no jobs, has none) leads to the delete.
- A worker may take no jobs although nobody here told it so: an operator drained it, or it was away while it was being
  drained. It is of no use to anybody, and is given back.
- A worker may join in the very moment in which it is given up: found in the pool before the delete has worked, it is
  drained as any other.
- A delete may be lost, refused or ignored: it is repeated until the cloud answers "not found", as long as the pool says
  that the worker has not joined meanwhile.

A pair that is not in the table changes nothing.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a server is in its life."""

    INTENDED = "intended"
    """Written down, its quota reserved, nothing sent."""
    SENDING = "sending"
    """The create call is about to be sent or under way."""
    UNSURE = "unsure"
    """The create call was sent and its answer is not known."""
    ORPHANED = "orphaned"
    """The create call was perhaps sent by a process that is no more."""
    ABANDONED = "abandoned"
    """Never seen since: no longer counted on, its quota still reserved in case it appears."""
    BUILDING = "building"
    """The cloud has it and is making it."""
    JOINING = "joining"
    """Active at the cloud, not yet in the pool."""
    READY = "ready"
    """In the pool."""
    LOST = "lost"
    """Was in the pool and is not."""
    DRAINING = "draining"
    """Takes no new jobs and is to be deleted when the last one ends."""
    DELETING = "deleting"
    """To be deleted until the cloud says that there is no such server."""
    GONE = "gone"
    """The cloud does not have it: the step that leads here forgets the record, so none is found in this state."""


class Seen(StrEnum):
    """What was seen of a server: the answers to our calls, the cloud's list, the pool, the plan, the clock."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """The create call was answered by a refusal: surely nothing was made."""
    AMBIGUOUS = "ambiguous"
    """The create call timed out, broke off or met a 5xx: anything may have happened."""
    RESTARTED = "restarted"
    """This process found the intent as an earlier one left it."""
    BUILD = "build"
    ACTIVE = "active"
    ERROR = "error"
    STOPPED = "stopped"
    """Switched off, as the dead-man switch leaves it."""
    VANISHED = "vanished"
    """Absent from so many complete lists, over so long, that an omission is ruled out."""
    JOINED = "joined"
    DRAINED = "drained"
    """In the pool, taking no jobs and having none."""
    AWAY = "away"
    """Absent from a complete answer of a pool that has been up long enough for every worker to report."""
    GIVE_BACK = "giveBack"
    """The plan or an admin wants it gone."""
    NOT_FOUND = "notFound"
    """The cloud says that there is no such server."""
    DUE = "due"
    """It is time to do what the state is waiting to do, or to do it again."""
    LATE = "late"
    """The state's time limit has passed."""


class Action(StrEnum):
    """What is to be done, after the record with the new state has been written."""

    CREATE = "create"
    DRAIN = "drain"
    DELETE = "delete"
    FORGET = "forget"
    """Remove the record: nothing of it is left."""
    NOTE_BOOT = "noteBoot"
    """Remember how long it took to join."""
    NOTE_FAILURE = "noteFailure"
    """Remember the failure, so that the site or flavor backs off."""


_REFUSED = (State.GONE, (Action.NOTE_FAILURE, Action.FORGET))
_FAILED = (State.DELETING, (Action.NOTE_FAILURE, Action.DELETE))
_UNWANTED = (State.DELETING, (Action.DELETE,))
_JOINED = (State.READY, (Action.NOTE_BOOT,))

TABLE: dict[State, dict[Seen, tuple[State, tuple[Action, ...]]]] = {
    State.INTENDED: {
        Seen.DUE: (State.SENDING, (Action.CREATE,)),
        Seen.GIVE_BACK: (State.GONE, (Action.FORGET,)),
    },
    State.SENDING: {
        Seen.ACCEPTED: (State.BUILDING, ()),
        Seen.REFUSED: _REFUSED,
        Seen.AMBIGUOUS: (State.UNSURE, (Action.NOTE_FAILURE,)),
        Seen.RESTARTED: (State.ORPHANED, ()),
        Seen.LATE: (State.UNSURE, ()),
        Seen.BUILD: (State.BUILDING, ()),
        Seen.ACTIVE: (State.JOINING, ()),
        Seen.ERROR: _FAILED,
        Seen.STOPPED: _FAILED,
        Seen.JOINED: _JOINED,
    },
    State.UNSURE: {
        Seen.ACCEPTED: (State.BUILDING, ()),
        Seen.REFUSED: _REFUSED,
        Seen.BUILD: (State.BUILDING, ()),
        Seen.ACTIVE: (State.JOINING, ()),
        Seen.ERROR: _FAILED,
        Seen.STOPPED: _FAILED,
        Seen.JOINED: _JOINED,
        Seen.LATE: (State.ABANDONED, ()),
    },
    State.ORPHANED: {
        Seen.ACCEPTED: (State.BUILDING, ()),
        Seen.REFUSED: _REFUSED,
        Seen.BUILD: (State.BUILDING, ()),
        Seen.ACTIVE: (State.JOINING, ()),
        Seen.ERROR: _FAILED,
        Seen.STOPPED: _FAILED,
        Seen.JOINED: _JOINED,
        Seen.LATE: (State.ABANDONED, ()),
    },
    State.ABANDONED: {
        Seen.ACCEPTED: (State.BUILDING, ()),
        Seen.REFUSED: _REFUSED,
        Seen.BUILD: (State.BUILDING, ()),
        Seen.ACTIVE: (State.JOINING, ()),
        Seen.ERROR: _FAILED,
        Seen.STOPPED: _FAILED,
        Seen.JOINED: (State.READY, ()),
        Seen.LATE: (State.GONE, (Action.FORGET,)),
    },
    State.BUILDING: {
        Seen.ACTIVE: (State.JOINING, ()),
        Seen.ERROR: _FAILED,
        Seen.STOPPED: _FAILED,
        Seen.VANISHED: _FAILED,
        Seen.LATE: _FAILED,
        Seen.JOINED: _JOINED,
        Seen.GIVE_BACK: _UNWANTED,
    },
    State.JOINING: {
        Seen.ERROR: _FAILED,
        Seen.STOPPED: _FAILED,
        Seen.VANISHED: _FAILED,
        Seen.LATE: _FAILED,
        Seen.JOINED: _JOINED,
        Seen.GIVE_BACK: _UNWANTED,
    },
    State.READY: {
        Seen.DRAINED: (State.DRAINING, (Action.DRAIN,)),
        Seen.AWAY: (State.LOST, ()),
        Seen.GIVE_BACK: (State.DRAINING, (Action.DRAIN,)),
    },
    State.LOST: {
        Seen.JOINED: (State.READY, ()),
        Seen.ERROR: _FAILED,
        Seen.STOPPED: _FAILED,
        Seen.VANISHED: _FAILED,
        Seen.LATE: _FAILED,
    },
    State.DRAINING: {
        Seen.DUE: (State.DRAINING, (Action.DRAIN,)),
        Seen.DRAINED: _UNWANTED,
        Seen.AWAY: (State.LOST, ()),
    },
    State.DELETING: {
        Seen.DUE: _UNWANTED,
        Seen.JOINED: (State.DRAINING, (Action.DRAIN,)),
        Seen.NOT_FOUND: (State.GONE, (Action.FORGET,)),
    },
    State.GONE: {},
}


def following(state: State, seen: Seen) -> tuple[State, tuple[Action, ...]]:
    """The state after `seen`, and what to do; the same state and nothing where the table has no such pair."""
    return TABLE[state].get(seen, (state, ()))
