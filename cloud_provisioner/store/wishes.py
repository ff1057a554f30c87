"""What admins ask of the process that has the lease."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is asked for."""

    DRAIN_SERVER = "drainServer"
    """Give back one server, by its uuid, when its jobs have ended."""
    DRAIN_SITE = "drainSite"
    """Give back all servers that a site has now, by the site's name."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One wish; `what` is the server or site that it is about. Times are epoch seconds."""

    number: int
    kind: Kind
    what: str
    asked_at: float
    done_at: float | None = None
    """When the process with the lease has taken it up."""
