"""The one-machine start by an ordinary user: as by root, with nothing that is root's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from deploy import appliance
from deploy.home import from_environment
from tests.pool.conftest import EXPENDABLE_PORT, a_home
from tests.pool.ordinary import ROOT, Ordinary

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(os.getuid() != 0, reason="all other tests are by an ordinary user then"),
]


@pytest.fixture
def user() -> Iterator[Ordinary]:
    user = Ordinary(a_home("ordinary"))
    user.make()
    user.lend(appliance.ensure(from_environment(os.environ).cache, print))
    yield user
    quickstart(user, "clean")
    subprocess.run(["rm", "-rf", str(user.folder)], check=True, timeout=120)


def quickstart(user: Ordinary, *words: str) -> str:
    """What `deploy/quickstart` prints for the user."""
    own = user.folder / "own"
    environ = {
        "PROMINENCE_HOME": str(own / "home"),
        "PROMINENCE_CACHE": str(own / "cache"),
        "PROMINENCE_PORT": str(EXPENDABLE_PORT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = user.command([str(ROOT / ".venv/bin/python"), "-m", "deploy.cli", *words], environ)
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, (done.stdout[-3000:], done.stderr[-3000:])
    return done.stdout + done.stderr


def test_an_ordinary_users_first_job_makes_a_worker_appear_and_completes(user: Ordinary) -> None:
    said = quickstart(user)
    assert "Hello from local-" in said, said
    shown = quickstart(user, "admin", "sites")
    assert "1/1" in shown, shown
    assert (user.folder / "own/home/workers").stat().st_uid == user.account
    quickstart(user, "stop")
