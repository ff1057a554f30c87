"""Accounting: sums by user and by virtual organisation, of the jobs that ended between two times."""

from __future__ import annotations

from typing import Any

import pytest

from api.records.finished import FinishedJobs
from api.records.projection import RECORDED, row
from api.records.schema import open_database
from api.records.usage import Usage, Used
from database.transactions import Database
from pool.history_files import parsed
from tests.unit.api.records.finished_ads import as_file, finished_ad

ALICE = ("https://issuer", "alice")


@pytest.fixture
def usage(database: Database) -> Usage:
    bob = {"ProminenceUser": "bob", "Owner": "bob"}
    ads: list[dict[str, Any]] = [
        finished_ad(CompletionDate=100),
        finished_ad(CompletionDate=199, RequestCpus=2, MaxHosts=3),
        finished_ad(CompletionDate=150, ProminenceGroup="other"),
        finished_ad(CompletionDate=150, **bob),
        finished_ad(CompletionDate=99, **bob),
        finished_ad(CompletionDate=200, **bob),
    ]
    FinishedJobs(database).add([row(parsed("f", as_file(ad).encode(), RECORDED), None) for ad in ads])
    return Usage(database)


def test_use_is_summed_over_the_jobs_that_ended_in_time(usage: Usage) -> None:
    assert usage.of_user(ALICE, 100, 200) == {"alice": Used(75, 400, 3)}
    assert usage.of_users(("vo",), 100, 200) == {"alice": Used(50, 350, 2), "bob": Used(25, 50, 1)}
    assert usage.of_vos(("vo", "other", "none"), 100, 200) == {"vo": Used(75, 400, 3), "other": Used(25, 50, 1)}
    assert usage.of_user(("https://other", "alice"), 0, 1000) == {}
    assert usage.of_users((), 0, 1000) == {}


def test_sums_read_an_index_alone(tmp_path: Any) -> None:
    database = open_database(f"sqlite:///{tmp_path}/plan.sqlite")
    database.migrate()
    sums = "SELECT {0}, sum(cpu_seconds), sum(core_seconds), count(*) FROM jobs WHERE {1} AND ended > 1 GROUP BY {0}"
    with database.reading() as connection:
        for by, whose, index in (
            ("owner", "person = x'00'", "jobs_by_person"),
            ("owner", "vo IN ('a', 'b')", "jobs_by_vo"),
            ("vo", "vo IN ('a', 'b')", "jobs_by_vo"),
        ):
            plan = [line[-1] for line in connection.exec_driver_sql("EXPLAIN QUERY PLAN " + sums.format(by, whose))]
            assert any(f"COVERING INDEX {index}" in line for line in plan), plan
