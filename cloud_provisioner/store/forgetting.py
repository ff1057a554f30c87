"""Records of a place whose servers somebody else has deleted, all of them, while no provisioner ran."""

from __future__ import annotations

from sqlalchemy import delete

from cloud_provisioner.store.tables import intents
from database.transactions import Database


def forget_place(database: Database, place: str) -> None:
    """Removes the records of all servers of a place. DatabaseUnavailable, WrongRevision.

    For whoever knows that none of them is there any more: a provisioner would take them for lost, and the place for a bad one.
    """
    with database.writing() as connection:
        connection.execute(delete(intents).where(intents.c.site == place))
