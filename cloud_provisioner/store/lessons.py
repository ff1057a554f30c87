"""What boots taught as rows: one for each scope, that is a site, a flavor of it, or a user's rights there. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from cloud_provisioner.errors import StoreUnreadable
from cloud_provisioner.planning.past import Past, Room, Scope, Trouble
from cloud_provisioner.servers.failures import Failure


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is known of one scope; None: nothing."""

    boot_time: float | None = None
    failing: float | None = None
    found: Room | None = None
    """Earlier programs kept `room`, without what was promised and when: that is passed over."""
    troubles: dict[Failure, Trouble] | None = None
    zones: int | None = None


_LESSON = TypeAdapter(Lesson)
_SCOPE: TypeAdapter[Scope] = TypeAdapter(Scope)


def rows_of(past: Past) -> dict[str, str]:
    """Scope -> lesson, both JSON in ASCII. Takes time that grows with the number of scopes."""
    flavors = past.boot_times.keys() | past.failing.keys() | past.rooms.keys() | past.zones.keys()
    scopes: set[Scope] = {(site, flavor, None) for site, flavor in flavors} | past.troubles.keys()
    return {json.dumps(scope): _text(_lesson(past, scope)) for scope in scopes}


def past_of(rows: Iterable[tuple[str, str]]) -> Past:
    """The past in rows. StoreUnreadable."""
    lessons: dict[Scope, Lesson] = {}
    for scope, lesson in rows:
        try:
            lessons[_SCOPE.validate_json(scope)] = _LESSON.validate_json(lesson)
        except ValidationError as error:
            raise StoreUnreadable(f"what boots taught about {scope}", str(error)) from error
    flavored = {
        (site, flavor): lesson
        for (site, flavor, user), lesson in lessons.items()
        if flavor is not None and user is None
    }
    return Past(
        {where: one.boot_time for where, one in flavored.items() if one.boot_time is not None},
        {where: one.failing for where, one in flavored.items() if one.failing is not None},
        {where: one.found for where, one in flavored.items() if one.found is not None},
        {scope: one.troubles for scope, one in lessons.items() if one.troubles is not None},
        {where: one.zones for where, one in flavored.items() if one.zones is not None},
    )


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[list[dict[str, str]], list[str]]:
    """The rows to write, and the scopes to delete, so that what was `before` becomes `after`."""
    written = [{"scope": scope, "lesson": lesson} for scope, lesson in after.items() if before.get(scope) != lesson]
    return written, [scope for scope in before if scope not in after]


def _lesson(past: Past, scope: Scope) -> Lesson:
    site, flavor, user = scope
    troubles = past.troubles.get(scope)
    known = None if troubles is None else dict(sorted(troubles.items()))
    if flavor is None or user is not None:
        return Lesson(troubles=known)
    where = (site, flavor)
    return Lesson(
        past.boot_times.get(where), past.failing.get(where), past.rooms.get(where), known, past.zones.get(where)
    )


def _text(lesson: Lesson) -> str:
    return json.dumps(_LESSON.dump_python(lesson, mode="json", exclude_none=True))
