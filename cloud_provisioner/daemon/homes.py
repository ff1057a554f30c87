"""To which place a server belongs when descriptions change: to the one that lists it. Pure.

A site may be called otherwise now, have got more projects, or its name may be another site's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from cloud_provisioner.planning.places import cloud_of
from cloud_provisioner.servers.record import Intent, Times
from cloud_provisioner.servers.states import State
from cloud_provisioner.servers.views import Listed

_UNSEEN = (State.ORPHANED, State.ABANDONED)


def moved(
    intents: Mapping[str, Intent],
    place: str,
    servers: Mapping[str, Collection[Listed]],
    service: str,
    absences: int,
    described: Callable[[str], bool],
) -> Iterator[Intent]:
    """The records that belong to a place from now on, as it lists their servers.

    Their own place is described no more, or has left them out of so many lists. One that is just being asked for stays until
    that is answered. A worker bears the name of its site for as long as it lives: no job that asks for the new one could
    use it, so it is not wanted.
    """
    for uuid, there in servers.items():
        intent = intents.get(uuid)
        if intent is None or intent.site == place or intent.state is State.SENDING:
            continue
        if described(intent.site) and intent.absent < absences:
            continue
        if any(one.service == service for one in there):
            renamed = cloud_of(intent.site) != cloud_of(place)
            yield replace(intent, site=place, unwanted=intent.unwanted or renamed)


def given_up(homeless: Iterable[Intent], now: float, times: Times) -> Iterator[Intent]:
    """Of records whose place nobody describes, those that were never seen and have been waited for long enough: should their
    servers appear where a site is described again, they are leaks."""
    for intent in homeless:
        limit = times.limit(intent.state)
        if intent.state in _UNSEEN and limit is not None and now - intent.since > limit:
            yield intent
