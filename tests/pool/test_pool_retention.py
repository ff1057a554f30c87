"""Old jobs' files go from a real instance; what is queued keeps its own, and what is gone is still told from the records."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.jobs.index import Index
from api.jobs.sandbox import Sandbox
from deploy import service
from deploy.instance import Instance
from tests.pool.conftest import User
from tests.pool.disaster import all_jobs, delete_all, waiting
from tests.pool.seeing import head_of, until

pytestmark = pytest.mark.timeout(180)

AT_ONCE = "[retention]\njob_folder_days = 0.00001\nabandoned_days = 0.00001\n"


@pytest.fixture
def alice(expendable: Instance) -> Iterator[User]:
    alice = User(expendable, "alice")
    yield alice
    delete_all(alice)
    alice.session.close()


def swept(instance: Instance, folder: Path) -> str:
    """What a sweep says that keeps nothing that is older than a second."""
    environ = service.environment(instance.home)
    settings = folder / "records.toml"
    settings.write_text(Path(environ["PROMINENCE_RECORDS"]).read_text() + AT_ONCE)
    command = [sys.executable, "-W", "ignore", "-m", "api.records", "sweep"]
    environ |= {"PROMINENCE_RECORDS": str(settings)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=True)
    return done.stderr


def submitted(user: User, key: str) -> int:
    """A job that stays in the queue."""
    answer = user.call("POST", "/jobs", json=waiting("kept"), headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def aged(path: Path) -> None:
    """Makes a folder and what is in it a minute older."""
    when = time.time() - 60
    for one in (*path.iterdir(), path):
        os.utime(one, (when, when))


def test_a_sweep_takes_what_is_old_and_nobodys_and_leaves_what_is_queued(
    alice: User, expendable: Instance, tmp_path: Path
) -> None:
    sandboxes, index = expendable.home.sandboxes, Index.below(expendable.home.run)
    key = uuid.uuid4().hex
    queued, ended = submitted(alice, key), submitted(alice, uuid.uuid4().hex)
    assert alice.call("DELETE", f"/jobs/{ended}").status_code == 200
    names = {one.id: one.submission for one in all_jobs(expendable)}
    folders = {number: sandboxes / names[number] for number in (queued, ended)}
    # As if the log of the job in the queue had been lost: the queue alone knows it then.
    (folders[queued] / "events.log").unlink()
    aged(folders[queued])
    nobodys = Sandbox(sandboxes / uuid.uuid4().hex)
    nobodys.fill({}, "token")
    aged(nobodys.path)
    # The first sweeps may come before the job is in the database.
    until(lambda: "folders of 1 finished jobs, 1 of no job" in swept(expendable, tmp_path), 60)
    assert not folders[ended].exists()
    assert not nobodys.path.exists()
    assert (folders[queued] / "job.json").exists()
    assert index.facts(ended) is None
    assert alice.describe(ended)["status"] == "deleted"
    assert alice.call("GET", f"/jobs/{ended}/stdout").json()["code"] == "noSuchStream"
    assert "no longer kept" in alice.call("PUT", f"/jobs/{ended}/clone").json()["error"]
    assert alice.describe(queued)["status"] == "idle"
    assert submitted(alice, key) == queued


def test_while_the_pool_is_away_what_is_nobodys_stays(alice: User, expendable: Instance, tmp_path: Path) -> None:
    nobodys = Sandbox(expendable.home.sandboxes / uuid.uuid4().hex)
    nobodys.fill({}, "token")
    aged(nobodys.path)
    head_of(expendable).stop()
    try:
        assert "could not be swept" in swept(expendable, tmp_path)
        assert nobodys.path.exists()
    finally:
        expendable.start(print)
    nobodys.discard()
