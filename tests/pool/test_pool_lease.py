"""A schedd is killed with its shadows and its job removed before they meet again: the slot is free after the lease."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deploy import nodes
from deploy.errors import DeployError
from deploy.instance import Instance
from tests.pool.conftest import User
from tests.pool.disaster import another_api
from tests.pool.impatient import LEASE
from tests.pool.seeing import daemon, descendants, head_of, until
from tests.pool.slots import nothing_is_left

pytestmark = pytest.mark.timeout(180)

MARGIN = 25
"""Seconds beyond the lease: the starter looks at its lease now and then, and the worker's ad is updated every few seconds."""


@pytest.fixture
def alice(instance: Instance) -> Iterator[User]:
    alice = User(instance, "alice")
    with another_api(instance, "tests.pool.impatient:application()", "--workers", "1", "--threads", "4") as url:
        alice.url = url
        yield alice
        alice.session.close()


def shadows(head: nodes.Node) -> list[int]:
    """The processes that stand at the access point for jobs that run."""
    first = head.process.pid()
    assert first is not None
    return [pid for pid in descendants(first) if _name(pid) == "condor_shadow"]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except FileNotFoundError:
        return ""


def slots_of(head: nodes.Node, number: int) -> int:
    """How many slots the pool shows for a job; some while the pool cannot be asked."""
    try:
        ids = nodes.run_on_head(head, ["condor_status", "-af", "JobId"]).split()
    except DeployError:
        return 1
    return ids.count(f"{number}.0")


def deleted(user: User, number: int) -> bool:
    return user.call("DELETE", f"/jobs/{number}").status_code == 200


def test_a_slot_is_given_up_with_the_lease_of_a_job_that_was_removed_meanwhile(alice: User, instance: Instance) -> None:
    head = head_of(instance)
    number = alice.submit("sleep 600")
    alice.wait(number, "running")
    until(lambda: slots_of(head, number) == 1, 30)
    schedd = daemon(head, "condor_schedd")
    assert schedd is not None
    for pid in (schedd, *shadows(head)):
        # A shadow may have ended with its schedd.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(lambda: daemon(head, "condor_schedd") not in (None, schedd), 60)
    until(lambda: deleted(alice, number), 60)
    until(lambda: slots_of(head, number) == 0, LEASE + MARGIN)
    nothing_is_left(instance)
    assert alice.describe(number)["status"] == "deleted"
    # The worker takes the next job.
    assert alice.wait(alice.submit("true"))["status"] == "completed"
