"""What a machine or a user does not allow is found before anything is started, and said with the remedy."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import possible
from deploy.errors import DeployError

pytestmark = pytest.mark.timeout(120)
ROOT = Path(__file__).parents[3]
NO_RANGE = 54321
"""An account without a name and without subordinate ids."""


# What the account may not read is imported before it is that account.
_ASK = """
import os, sys
from deploy.errors import DeployError
from deploy.possible import check_namespaces
os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
try:
    check_namespaces()
except DeployError as error:
    print(error)
"""


def refusal_as(account: int) -> list[str]:
    """The lines that `check_namespaces` says to an account; none where all is allowed."""
    words = [sys.executable, "-c", _ASK, str(account)]
    asked = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return asked.stdout.splitlines()


def test_whoever_runs_the_tests_may_make_namespaces() -> None:
    possible.check_namespaces()


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("newuidmap") is None, reason="takes another account")
def test_a_user_without_subordinate_ids_is_told_whom_to_ask_for_what() -> None:
    (said,) = refusal_as(NO_RANGE)
    assert "/etc/subuid" in said
    assert f"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {NO_RANGE}" in said


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_another_program_has_is_named(address: str) -> None:
    with socket.socket() as other:
        other.bind((address, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(DeployError, match=rf"Port {port} of 127\.0\.0\.1 cannot be had .*PROMINENCE_PORT"):
            possible.check_port("127.0.0.1", port)
    possible.check_port("127.0.0.1", port)


def test_a_file_system_that_carries_overlays_is_found_good_and_left_clean(tmp_path: Path) -> None:
    possible.check_overlay(tmp_path / "probe")
    possible.check_overlay(tmp_path / "probe")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_probe_left_is_no_obstacle(tmp_path: Path) -> None:
    left = tmp_path / "probe" / "work" / "work"
    left.mkdir(parents=True)
    left.chmod(0)
    assert stat.S_IMODE(left.stat().st_mode) == 0
    possible.check_overlay(tmp_path / "probe")
    assert list(tmp_path.iterdir()) == []
