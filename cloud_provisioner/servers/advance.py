"""One step of one server's life: look, follow the table, say what to do. Pure, and safe to repeat.

The caller writes the new record first and does the actions after that, so that a record never lags behind the cloud:
killed between the two, the next step finds the record and repeats what is missing. Only CREATE is never repeated: a
record found in SENDING at a start is `restarted` and waits for the list.

What may be at work is not given up without the pool's word, whatever the clock or the cloud says: a worker may have joined
while nobody looked. Clocks are set: a time in the future counts as now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.record import Do, Intent, Times
from cloud_provisioner.servers.states import Action, Seen, State, following
from cloud_provisioner.servers.views import CloudView, Listed, PoolView, Status, Worker

_SEEN = {
    Status.BUILD: Seen.BUILD,
    Status.ACTIVE: Seen.ACTIVE,
    Status.ERROR: Seen.ERROR,
    Status.STOPPED: Seen.STOPPED,
}
_BEST = (Status.ACTIVE, Status.BUILD, Status.STOPPED, Status.ERROR)
_JOINED = (State.READY, State.LOST, State.DRAINING)
_BAD_NEWS = (Seen.ERROR, Seen.STOPPED, Seen.VANISHED)


@dataclass(frozen=True, slots=True)
class Step:
    """The record to write now, and what to do after that, in this order."""

    intent: Intent
    todo: tuple[Do, ...] = ()


def advance(intent: Intent, cloud: CloudView | None, pool: PoolView | None, now: float, times: Times) -> Step:
    """The next step of a server, from the site's list and the pool's answer (None where there is no answer).

    Of several servers with its uuid one is kept, the one that is in the pool or an active one before others; the rest is
    deleted, once a pool has answered that has been up long enough to know, and not while a worker that was there is away. A
    known id is given up only for another one that the list shows, by the word of the worker there.
    """
    intent = _in_time(intent, now)
    listed = sorted(
        cloud.servers.get(intent.uuid, ()) if cloud else (), key=lambda one: (_BEST.index(one.status), one.cloud_id)
    )
    worker = pool.workers.get(intent.uuid) if pool else None
    if worker is not None and any(one.cloud_id == worker.cloud_id for one in listed):
        intent = replace(intent, cloud_id=worker.cloud_id)
    kept = _kept(listed, intent.cloud_id)
    intent = _counted(intent, kept, cloud, now)
    intent = replace(intent, idle_since=_idle_since(intent, worker, pool, now))
    settled = pool if pool is not None and now - pool.up_since >= times.pool_settling else None
    others = _others(listed, kept, worker, intent.state) if settled is not None else ()
    extra = tuple(Do(Action.DELETE, intent.uuid, one.cloud_id) for one in others)
    todo: list[Do] = []
    for seen in (*_pool_says(intent.state, worker, pool, now, times), *_cloud_says(kept, intent, now, times), Seen.DUE):
        if _counts(seen, intent, settled, now, times):
            step = told(intent, seen, now, kept.failure if kept else None)
            intent = step.intent
            todo += step.todo
    limit = times.limit(intent.state)
    if limit is not None and now - intent.since > limit and _may_end(intent, kept, cloud, settled, now, times):
        step = told(intent, Seen.LATE, now)
        intent = step.intent
        todo += step.todo
    return Step(intent, (*extra, *todo))


def told(intent: Intent, seen: Seen, now: float, failure: Failure | None = None, cloud_id: str | None = None) -> Step:
    """The step after one thing that was seen: an answer to a call, the plan's wish, or a part of a view.

    `failure` is the class of a refusal or an error where it is known; `cloud_id` the cloud's id of an accepted create.
    """
    state, actions = following(intent.state, seen)
    after = replace(intent, cloud_id=cloud_id or intent.cloud_id)
    if state is not intent.state:
        after = replace(after, state=state, since=now, absent=0, absent_since=None)
    if Action.DELETE in actions or Action.DRAIN in actions:
        after = replace(after, asked_at=now)
    if seen is Seen.RESTARTED:
        # What an earlier process had noted as asked for, it may not have asked for.
        after = replace(after, asked_at=float("-inf"))
    if Action.DELETE in actions and after.cloud_id is None:
        # Nothing to name to the cloud yet: the list will show the id, and the delete is repeated then.
        actions = tuple(action for action in actions if action is not Action.DELETE)
    todo = tuple(
        Do(
            action,
            intent.uuid,
            after.cloud_id,
            _class(intent.state, seen, failure) if action is Action.NOTE_FAILURE else None,
            max(0.0, now - intent.made_at) if action is Action.NOTE_BOOT else 0.0,
        )
        for action in actions
    )
    return Step(after, todo)


def _in_time(intent: Intent, now: float) -> Intent:
    """The record without times in the future, which it has where the clock was set back."""
    return replace(
        intent,
        made_at=min(intent.made_at, now),
        since=min(intent.since, now),
        asked_at=min(intent.asked_at, now),
        absent_since=None if intent.absent_since is None else min(intent.absent_since, now),
        idle_since=None if intent.idle_since is None else min(intent.idle_since, now),
    )


def _kept(listed: list[Listed], cloud_id: str | None) -> Listed | None:
    """The server with the known id, None where the list lacks it; the best where none is known yet."""
    if cloud_id is None:
        return listed[0] if listed else None
    return next((one for one in listed if one.cloud_id == cloud_id), None)


def _others(listed: list[Listed], kept: Listed | None, worker: Worker | None, state: State) -> tuple[Listed, ...]:
    """The servers that are too many: none while it is not sure which one is not, as where the worker that knows is away."""
    if kept is None:
        return ()
    unsure = state in _JOINED if worker is None else worker.cloud_id != kept.cloud_id
    return () if unsure else tuple(one for one in listed if one is not kept)


def _class(state: State, seen: Seen, failure: Failure | None) -> Failure:
    if failure is not None:
        return failure
    if state is State.LOST:
        return Failure.LOST
    if seen is Seen.ERROR:
        return Failure.CAPACITY
    return Failure.BUSY if state is State.SENDING else Failure.BOOT


def _counted(intent: Intent, kept: Listed | None, cloud: CloudView | None, now: float) -> Intent:
    """The record with the cloud's id, and how often in a row the server was missing where it should have been."""
    if kept is not None:
        return replace(intent, cloud_id=kept.cloud_id, absent=0, absent_since=None)
    if cloud is None or not cloud.complete or cloud.begun_at <= intent.since:
        return intent
    since = now if intent.absent_since is None else intent.absent_since
    return replace(intent, absent=intent.absent + 1, absent_since=since)


def _idle_since(intent: Intent, worker: Worker | None, pool: PoolView | None, now: float) -> float | None:
    if worker is None:
        return intent.idle_since if pool is None else None
    if worker.jobs:
        return None
    return now if intent.idle_since is None else intent.idle_since


def _pool_says(
    state: State, worker: Worker | None, pool: PoolView | None, now: float, times: Times
) -> tuple[Seen, ...]:
    if pool is None:
        return ()
    if worker is None:
        return (Seen.AWAY,) if now - pool.up_since >= times.pool_settling else ()
    if not worker.draining or worker.jobs:
        return (Seen.JOINED,)
    return () if state is State.DELETING else (Seen.JOINED, Seen.DRAINED)


def _cloud_says(kept: Listed | None, intent: Intent, now: float, times: Times) -> tuple[Seen, ...]:
    if kept is not None:
        return (_SEEN[kept.status],)
    since = intent.absent_since
    if since is None or intent.absent < times.absences or now - since < times.vanished:
        return ()
    # Without an id of the cloud's there is nothing to ask it for: never seen in so many lists is the best there is.
    return (Seen.VANISHED,) if intent.cloud_id else (Seen.VANISHED, Seen.NOT_FOUND)


def _counts(seen: Seen, intent: Intent, settled: PoolView | None, now: float, times: Times) -> bool:
    if seen is Seen.DUE:
        return _due(intent, settled, now, times)
    return settled is not None or seen not in _BAD_NEWS


def _may_end(
    intent: Intent, kept: Listed | None, cloud: CloudView | None, settled: PoolView | None, now: float, times: Times
) -> bool:
    """What may still appear is given up only while the cloud shows, again and again, that it has no such server; what may
    be at work only by the word of a pool that is heard for so long that every worker has had the time to report."""
    if intent.state in (State.ORPHANED, State.ABANDONED):
        return kept is None and cloud is not None and cloud.complete and intent.absent >= times.absences
    if intent.state in (State.BUILDING, State.JOINING, State.LOST):
        return settled is not None and now - settled.heard_since >= times.pool_settling
    return True


def _due(intent: Intent, settled: PoolView | None, now: float, times: Times) -> bool:
    if intent.state is State.DELETING and settled is None:
        # It may have joined since its delete was asked for.
        return False
    # Once the list no longer shows it, the cloud need only say that it is gone.
    gone = intent.state is State.DELETING and intent.absent > 0 and now - intent.asked_at >= times.repeat_gone
    return gone or intent.state is State.INTENDED or now - intent.asked_at >= times.repeat
