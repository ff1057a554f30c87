"""`python -m api.records migrate`, `record`, `lag`, `--show-config`; settings in the file PROMINENCE_RECORDS."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

from api.records.database import Database
from api.records.departed import Departed
from api.records.errors import RecordsError, RecordsUnavailable, SettingsUnusable
from api.records.finished import FinishedJobs
from api.records.recorder import Recorder
from api.records.revision import needed, upgrade
from api.records.settings import RecordsSettings, load, shown
from pool.history_files import HistoryFiles

VARIABLE = "PROMINENCE_RECORDS"
"""Environment variable that names the settings file."""

_log = logging.getLogger("api.records")


def main(argv: list[str] | None = None) -> int:
    """Runs a command; 1 and a sentence where it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m api.records", description="The records of the service.")
    parser.add_argument("--show-config", action="store_true", help="print the settings in force and end")
    commands = parser.add_subparsers(title="commands")
    for name, run, text in (
        ("migrate", _migrate, "bring the tables of the database to the revision of this program"),
        ("record", _record, "record jobs as they leave the queue, until TERM"),
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
            args.run(settings)
        else:
            parser.print_help()
            return 2
    except RecordsError as error:
        print(error, getattr(error, "detail", ""), file=sys.stderr)
        return 1
    return 0


def _settings() -> RecordsSettings:
    file = os.environ.get(VARIABLE)
    if not file:
        raise SettingsUnusable(f"{VARIABLE} must name the settings file of the records.")
    return load(Path(file))


def _database(settings: RecordsSettings) -> Database:
    return Database(settings.database.get_secret_value())


def _migrate(settings: RecordsSettings) -> None:
    with _database(settings).migrating() as connection:
        upgrade(connection)
    print(f"The tables are at revision {needed()}.")


def _record(settings: RecordsSettings) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    database = _database(settings)
    try:
        database.check()
    except RecordsUnavailable as error:
        # It may be back before long, and is tried again for every batch; tables of another revision will not mend themselves.
        _log.warning("starting without the database: %s", error.detail)
    departed = Departed(HistoryFiles(settings.departed), settings.sandboxes)
    _log.info("recording jobs that leave the queue")
    Recorder(departed, FinishedJobs(database)).run(stop)


def _lag(settings: RecordsSettings) -> None:
    lag = Departed(HistoryFiles(settings.departed), settings.sandboxes).lag(time.time())
    print(f"{lag.pending} finished jobs wait to be recorded, the first one for {lag.seconds:.0f} s.")


if __name__ == "__main__":
    sys.exit(main())
