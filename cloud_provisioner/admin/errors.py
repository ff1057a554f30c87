"""What an admin asked for that cannot be: one sentence each, for the standard error."""

from __future__ import annotations

from collections.abc import Iterable

from cloud_provisioner.errors import ProvisionerError

_NAMED = 10
"""So many names of what there is are said."""


class UnknownName(ProvisionerError):
    """There is no `what` called `name`, or several begin like that; `known` are the ones to choose from."""

    def __init__(self, what: str, name: str, known: Iterable[str], *, several: bool = False) -> None:
        self.what = what
        self.name = name
        self.known = tuple(known)
        there = ", ".join(self.known[:_NAMED]) + (", …" if len(self.known) > _NAMED else "")
        if several:
            says = f"Several {what}s begin with {name}: {there}. Say more of it."
        elif self.known:
            says = f"There is no {what} {name}. There are: {there}."
        else:
            says = f"There is no {what} {name}, nor any other."
        super().__init__(says)


class NotInQueue(ProvisionerError):
    """There is no job with the id `number` in the queue."""

    def __init__(self, number: int) -> None:
        super().__init__(f"Job {number} is not in the queue: it has ended, or there never was one with this id.")
        self.number = number
