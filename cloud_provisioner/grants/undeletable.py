"""Servers that nobody has the right to delete any more, since the grant they were made with has ended. Pure.

They are not lost for good: a new grant of the user brings the right back, and a worker powers itself off when it has been
idle, or away from the pool, for too long. Until then somebody pays for them, so admins hear of each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from cloud_provisioner.planning.places import cloud_of
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.servers.states import State

_NAMED = 20
"""So many servers stand in a sentence."""
_NEVER_SENT = (State.INTENDED, State.GONE)


@dataclass(frozen=True, slots=True, order=True)
class Undeletable:
    """A server, at a place (`site` or `site/VO`); `cloud_id` is None where the cloud never told it. Times in epoch seconds."""

    place: str
    user: str
    """Whose grant it was: HTCondor's Owner."""
    uuid: str
    cloud_id: str | None
    state: State
    made_at: float

    @property
    def site(self) -> str:
        """The site's name, as in metrics."""
        return cloud_of(self.place)


def undeletable(
    intents: Iterable[Intent], lenders: Collection[str] | None, places: Collection[str]
) -> tuple[Undeletable, ...]:
    """The servers at `places`, which are those used with users' own rights, that no lender is known to be able to delete.

    A user whose grant is good, and who has a server at the same place, can delete the others' servers there as well. Where
    it is not known who lends (None), no server is named.
    """
    if lenders is None:
        return ()
    there = [intent for intent in intents if intent.site in places and intent.state not in _NEVER_SENT]
    cared_for = {intent.site for intent in there if intent.binding.user in lenders and intent.cloud_id is not None}
    return tuple(
        sorted(
            Undeletable(
                intent.site, intent.binding.user or "", intent.uuid, intent.cloud_id, intent.state, intent.made_at
            )
            for intent in there
            if intent.binding.user not in lenders and intent.site not in cared_for
        )
    )


def sentence(found: Sequence[Undeletable]) -> str:
    """What the log says of them, for who has to ask the clouds' admins."""
    named = [f"{one.cloud_id or one.uuid} at {one.place} (of {one.user or 'nobody'})" for one in found[:_NAMED]]
    if len(found) > _NAMED:
        named.append(f"and {len(found) - _NAMED} more")
    what = "server" if len(found) == 1 else "servers"
    return f"{len(found)} {what} can be deleted by nobody, the grants having ended: {', '.join(named)}"
