"""The digest of what decides where a job can run."""

from __future__ import annotations

import re

import pytest

from pool import demand
from pool.attributes import Job

JOB = {
    "universe": "vanilla",
    "executable": "/program/worker.pyz",
    "initialdir": "/sandboxes/1",
    "request_cpus": "2",
    "request_memory": "2048",
    "request_disk": "10485760",
    "accounting_group": "vo",
    "priority": "0",
    "requirements": "true",
    "My.Owner": '"alice"',
    f"My.{Job.WALLTIME}": "43200",
    f"My.{Job.SUBMISSION}": '"0123"',
}


def test_it_is_sixteen_hexadecimal_digits_and_stays_the_same() -> None:
    assert re.fullmatch("[0-9a-f]{16}", demand.key(JOB))
    # Jobs that are in the queue during an upgrade of the service keep theirs.
    assert demand.key(JOB) == "a9208c6413e29914"


@pytest.mark.parametrize("command", sorted(demand.COMMANDS))
def test_whatever_decides_makes_another_digest(command: str) -> None:
    assert demand.key(JOB | {command: "7"}) != demand.key(JOB)
    assert demand.key(JOB | {command: "7"}) != demand.key(JOB | {command: "8"})


@pytest.mark.parametrize("command", ["executable", "initialdir", "My.JobBatchName", f"My.{Job.SUBMISSION}", "log"])
def test_what_does_not_decide_leaves_it_as_it_is(command: str) -> None:
    assert demand.key(JOB | {command: "another"}) == demand.key(JOB)


def test_order_case_white_space_and_the_form_of_an_attribute_do_not_count() -> None:
    again = {name.upper().replace("MY.", "+"): f" {text}\n" for name, text in reversed(JOB.items())}
    assert demand.key(again) == demand.key(JOB)


def test_a_value_does_not_pass_for_another_commands() -> None:
    assert demand.key({"request_cpus": "1", "request_disk": ""}) != demand.key(
        {"request_cpus": "", "request_disk": "1"}
    )
