"""All that the API keeps in the database, opened together."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from api.notifications.outbox import Outbox
from api.records.commands import Commands
from api.records.departed import Departed
from api.records.finished import FinishedJobs
from api.records.history import History
from api.records.pairs import PairLimits, Pairs
from api.records.schema import open_database
from api.records.series import SeriesStore
from api.records.settings import RecordsSettings
from api.records.usage import Usage
from database.errors import DatabaseUnavailable
from pool.history_files import HistoryFiles


@dataclass(frozen=True)
class Stores:
    """What is in one database, and the files of jobs that are on their way there."""

    history: History
    pairs: Pairs
    series: SeriesStore
    usage: Usage
    commands: Commands
    outbox: Outbox
    sends: bool
    """Whether messages to users are sent."""

    @property
    def departed(self) -> Departed:
        """Jobs that are not in the database yet."""
        return self.history.departed


def open_stores(settings: RecordsSettings, pairs: PairLimits) -> Stores:
    """The stores of these settings. Raises WrongRevision; a database that does not answer now is asked again later."""
    database = open_database(settings.database.get_secret_value())
    with suppress(DatabaseUnavailable):
        database.check()
    departed = Departed(HistoryFiles(settings.departed), settings.sandboxes)
    return Stores(
        History(departed, FinishedJobs(database)),
        Pairs(database, pairs),
        SeriesStore(database),
        Usage(database),
        Commands(database),
        Outbox(database),
        settings.mail is not None,
    )
