"""A process that acts for a service, as far as the database sees it."""

from __future__ import annotations

from dataclasses import dataclass

from cloud_provisioner.amounts import Amount
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.store.lease import Lease
from cloud_provisioner.store.store import Store
from database.transactions import Database

NOW = 1_800_000_000.0
SECONDS = 15.0


@dataclass
class Clock:
    """Both clocks of a machine."""

    wall: float = NOW
    running: float = 1_000.0

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.running += seconds


class Acting:
    """One process: its lease and what it writes."""

    def __init__(self, database: Database, clock: Clock, holder: str = "one") -> None:
        self.lease = Lease(database, "service", holder, SECONDS, lambda: clock.wall, lambda: clock.running)
        self.store = Store(database, self.lease)


def intent(uuid: str, **changes: object) -> Intent:
    size = Amount(2, 4096, 10_000)
    values: dict[str, object] = {
        "site": "A",
        "flavor": "small",
        "size": size,
        "room": size,
        "made_at": NOW,
        "since": NOW,
    }
    return Intent(uuid=uuid, **{**values, **changes})  # type: ignore[arg-type]
