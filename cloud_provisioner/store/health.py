"""How a place does, as the process that works with it says: for people who look from outside."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from cloud_provisioner.amounts import NOTHING, Amount
from cloud_provisioner.errors import StoreUnreadable
from cloud_provisioner.planning.places import Limits


@dataclass(frozen=True, slots=True)
class SiteHealth:
    """One place: a site, or one project of it. Times are epoch seconds."""

    site: str
    place: str
    at: float
    """When this was so."""
    since: float
    """Since when `trouble` has been what it is."""
    trouble: str = ""
    """Why nothing can be booted there, a sentence; empty: all is well."""
    servers: int = 0
    """Ours, those on their way among them."""
    flavors: int = 0
    limits: Limits = field(default_factory=Limits)
    used: Amount = NOTHING
    """What of the limits is in use, by whomever."""
    used_servers: int = 0
    list_seconds: float | None = None
    """How long the last list of servers took."""
    notes: tuple[str, ...] = ()
    expected: bool = True
    """Whether servers ought to be booted there: it is described, switched on, and there are rights that can be used."""


_HEALTH = TypeAdapter(SiteHealth)


def facts_of(health: SiteHealth) -> str:
    """As JSON in ASCII."""
    return _HEALTH.dump_json(health, ensure_ascii=True).decode()


def health_of(place: str, facts: str) -> SiteHealth:
    """From JSON. StoreUnreadable."""
    try:
        return _HEALTH.validate_json(facts)
    except ValidationError as error:
        raise StoreUnreadable(f"the state of the place {place}", str(error)) from error
