"""`python -m api.records migrate`, `record`, `sweep`, `lag`, `--show-config`; settings in the file PROMINENCE_RECORDS."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from api.notifications.left import LeftInQueue
from api.notifications.outbox import Outbox
from api.notifications.sender import Sender
from api.objects.errors import StorageUnavailable
from api.objects.names import checkpoint_key
from api.objects.opening import open_store
from api.records.departed import Departed
from api.records.errors import RecordsError, SettingsUnusable
from api.records.finished import FinishedJobs
from api.records.opening import open_sweeper
from api.records.recorder import Recorder
from api.records.schema import open_database
from api.records.settings import RecordsSettings, load, shown
from api.records.stopping import stopping
from api.settings import SettingsError
from api.settings import load as load_service
from database.errors import DatabaseError, DatabaseUnavailable
from database.transactions import Database
from identity.errors import Misconfigured
from pool.history_files import HistoryFiles

VARIABLE = "PROMINENCE_RECORDS"
"""Environment variable that names the settings file."""

_ENDING = 5.0
"""Seconds that a message may take when the process is told to end: whoever did kills it soon."""
_NICENESS = 19
"""Of a sweep: nobody waits for it."""

_log = logging.getLogger("api.records")


def main(argv: list[str] | None = None) -> int:
    """Runs a command; 1 and a sentence where it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m api.records", description="The records of the service.")
    parser.add_argument("--show-config", action="store_true", help="print the settings in force and end")
    parser.add_argument(
        "--end-with-input", action="store_true", help="end when the standard input does: with whoever started this"
    )
    commands = parser.add_subparsers(title="commands")
    for name, run, text in (
        ("migrate", _migrate, "bring the tables of the database to the revision of this program"),
        ("record", _record, "record jobs as they leave the queue, until TERM"),
        ("sweep", _sweep, "delete what finished jobs left behind and is older than the settings say, once"),
        ("lag", _lag, "how many finished jobs wait to be recorded, and for how many seconds"),
    ):
        commands.add_parser(name, help=text).set_defaults(run=run)
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        settings = _settings()
        if args.show_config:
            print(shown(settings))
        elif "run" in args:
            args.run(settings, stopping(args.end_with_input))
        else:
            parser.print_help()
            return 2
    except (RecordsError, DatabaseError) as error:
        print(f"{error} {error.detail}".rstrip(), file=sys.stderr)
        return 1
    return 0


def _settings() -> RecordsSettings:
    file = os.environ.get(VARIABLE)
    if not file:
        raise SettingsUnusable(f"{VARIABLE} must name the settings file of the records.")
    return load(Path(file))


def _database(settings: RecordsSettings) -> Database:
    return open_database(settings.database.get_secret_value())


def _migrate(settings: RecordsSettings, _: threading.Event) -> None:
    database = _database(settings)
    database.migrate()
    print(f"The tables are at revision {database.schema.needed()}.")


def _record(settings: RecordsSettings, stop: threading.Event) -> None:
    database = _database(settings)
    try:
        database.check()
    except DatabaseUnavailable as error:
        # It may be back before long, and is tried again for every batch; tables of another revision will not mend themselves.
        _log.warning("starting without the database: %s", error.detail)
    departed = Departed(HistoryFiles(settings.departed), settings.sandboxes)
    recorder = Recorder(departed, FinishedJobs(database), _discarding(settings))
    sender = _start_sender(settings, database, departed, stop)
    _log.info("recording jobs that leave the queue")
    recorder.run(stop)
    if sender is not None:
        sender.join(_ENDING)


def _start_sender(
    settings: RecordsSettings, database: Database, departed: Departed, stop: threading.Event
) -> threading.Thread | None:
    if settings.mail is None:
        return None
    outbox = Outbox(database)
    sender = Sender(outbox, settings.mail, LeftInQueue(departed, outbox).collect, departed.addresses.tidy)
    thread = threading.Thread(target=sender.run, args=(stop,), name="sender", daemon=True)
    thread.start()
    return thread


def _discarding(settings: RecordsSettings) -> Callable[[str], None]:
    """What deletes the checkpoint of a submission, where there is object storage. SettingsUnusable."""
    try:
        service = load_service(settings.service) if settings.service is not None else None
        if service is None or service.storage is None:
            return lambda _submission: None
        store = open_store(service.storage, str(service.url))
    except (SettingsError, Misconfigured, StorageUnavailable) as error:
        raise SettingsUnusable(f"service: {error}") from error
    return lambda submission: store.delete(checkpoint_key(submission))


def _sweep(settings: RecordsSettings, stop: threading.Event) -> None:
    os.nice(_NICENESS)
    swept = open_sweeper(settings).sweep(stop)
    _log.info(
        "deleted: folders of %d finished jobs, %d of no job, series of %d jobs",
        swept.folders,
        swept.abandoned,
        swept.series,
    )


def _lag(settings: RecordsSettings, _: threading.Event) -> None:
    lag = Departed(HistoryFiles(settings.departed), settings.sandboxes).lag(time.time())
    print(f"{lag.pending} finished jobs wait to be recorded, the first one for {lag.seconds:.0f} s.")


if __name__ == "__main__":
    sys.exit(main())
