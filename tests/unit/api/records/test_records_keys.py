"""A submission's idempotency key after the submission's folder has been swept."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from api.jobs.once import Once
from api.jobs.sandbox import Sandbox
from api.records.departed import Departed
from api.records.finished import FinishedJobs
from api.records.history import History
from api.records.projection import row
from api.records.schema import open_database
from database.transactions import Database
from identity.caller import Caller
from pool.session import Pool
from tests.unit.api.records.finished_ads import finished_ad

ALICE = Caller("alice", "https://aai.example.eu", "alice", ("users",))
DOCUMENT = {"name": "a"}


def once(departed: Departed, database: Database) -> Once:
    """Submissions over a queue that is never asked."""
    pool = cast(Pool, None)
    return Once(pool, History(departed, FinishedJobs(database)), departed.sandboxes, "job", lambda name: name)


def test_the_key_of_a_job_whose_folder_is_gone_still_names_that_job(departed: Departed, database: Database) -> None:
    made: list[str] = []

    def submit(sandbox: Sandbox) -> int:
        made.append(sandbox.name)
        ad = finished_ad(ProminenceSubmission=sandbox.name)
        FinishedJobs(database).add([row(ad, None)])
        return int(ad["ClusterId"])

    number = once(departed, database).submit(DOCUMENT, ALICE, "key", submit)
    Sandbox(departed.sandboxes / made[0]).discard()
    assert once(departed, database).submit(DOCUMENT, ALICE, "key", submit) == number
    assert len(made) == 1


def test_without_the_database_a_new_key_makes_a_job(departed: Departed, tmp_path: Path) -> None:
    away = open_database(f"sqlite:///{tmp_path}/absent/records.sqlite")
    assert once(departed, away).submit(DOCUMENT, ALICE, "key", lambda _: 7) == 7
