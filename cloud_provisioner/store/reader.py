"""What everybody else may see of the provisioner's records, and how they ask it for something. Needs no lease."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, insert, select

from cloud_provisioner.errors import StoreUnreadable
from cloud_provisioner.planning.past import Past
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.store.health import SiteHealth, health_of
from cloud_provisioner.store.lessons import past_of
from cloud_provisioner.store.rows import intent_of
from cloud_provisioner.store.tables import intents, lease, past, sites, wishes
from cloud_provisioner.store.wishes import Kind, Wish
from database.transactions import Database


@dataclass(frozen=True, slots=True)
class Holding:
    """Who has, or had last, the lease of a service, and until when (epoch seconds, 0 where it was given back)."""

    name: str
    holder: str
    generation: int
    until: float


@dataclass(frozen=True)
class Reader:
    """The records as others see them. All methods raise DatabaseUnavailable, WrongRevision, StoreUnreadable."""

    database: Database

    def intents(self) -> list[Intent]:
        """The records of all servers, by place and age."""
        with self.database.reading() as connection:
            return intents_in(connection)

    def past(self) -> Past:
        """What boots taught so far."""
        with self.database.reading() as connection:
            return past_of(past_in(connection).items())

    def sites(self) -> list[SiteHealth]:
        """How each place did when the process with the lease last said so, by name."""
        with self.database.reading() as connection:
            rows = connection.execute(select(sites).order_by(sites.c.place)).all()
        return [health_of(row.place, row.facts) for row in rows]

    def lease(self, name: str) -> Holding | None:
        """Who acts for a service; None where nobody ever did."""
        with self.database.reading() as connection:
            row = connection.execute(select(lease).where(lease.c.name == name)).one_or_none()
        return None if row is None else Holding(row.name, row.holder, row.generation, row.until)

    def wish(self, kind: Kind, what: str, now: float) -> int:
        """Asks the process with the lease for something; the wish's number, the same one while it waits. DatabaseRefused."""
        same = select(wishes.c.number).where(
            wishes.c.kind == kind.value, wishes.c.what == what, wishes.c.done_at.is_(None)
        )
        new = insert(wishes).values(kind=kind.value, what=what, asked_at=now).returning(wishes.c.number)
        with self.database.writing() as connection:
            waiting = connection.execute(same).scalars().first()
            return int(connection.execute(new).scalar_one() if waiting is None else waiting)

    def wished(self, number: int) -> Wish | None:
        """What became of a wish; None where there is none of this number, or it was done long ago."""
        with self.database.reading() as connection:
            row = connection.execute(select(wishes).where(wishes.c.number == number)).one_or_none()
        return None if row is None else wish_of(row)


def intents_in(connection: Connection) -> list[Intent]:
    """The records, by place and age. StoreUnreadable."""
    ordered = select(intents).order_by(intents.c.site, intents.c.made_at, intents.c.uuid)
    return [intent_of(row._asdict()) for row in connection.execute(ordered)]


def past_in(connection: Connection) -> dict[str, str]:
    """What boots taught, as rows: scope -> lesson."""
    return {row.scope: row.lesson for row in connection.execute(select(past))}


def wish_of(row: Row[tuple[object, ...]]) -> Wish:
    """The wish in a row. StoreUnreadable."""
    try:
        return Wish(row.number, Kind(row.kind), row.what, row.asked_at, row.done_at)
    except ValueError as error:
        raise StoreUnreadable(f"the wish {row.number}", str(error)) from error
