"""What the shell does before Python can: missing packages are named, and each installation is done once."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(120)
ROOT = Path(__file__).parents[3]

_PYTHON = """#!/bin/sh
echo "$*" >>calls
[ ! -e broken ]
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with a .venv whose pip only notes what it is asked for; it fails while there is a file `broken`."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(_PYTHON)
    python.chmod(0o755)
    (tmp_path / "pins.txt").write_text("one")
    return tmp_path


def shell(checkout: Path, script: str) -> subprocess.CompletedProcess[str]:
    words = ["bash", "-c", f"set -euo pipefail; . {ROOT}/deploy/prepare.sh; {script}"]
    return subprocess.run(words, cwd=checkout, capture_output=True, text=True, timeout=60, check=False)


def install(checkout: Path, name: str = "service") -> subprocess.CompletedProcess[str]:
    return shell(checkout, f"install {name} pins.txt -r pins.txt")


def calls(checkout: Path) -> int:
    file = checkout / "calls"
    return len(file.read_text().splitlines()) if file.exists() else 0


def test_packages_are_installed_once_and_again_when_their_pins_change(checkout: Path) -> None:
    for _ in range(2):
        assert install(checkout).returncode == 0
    assert calls(checkout) == 1
    (checkout / "pins.txt").write_text("two")
    for _ in range(2):
        assert install(checkout).returncode == 0
    assert calls(checkout) == 2


def test_what_the_tests_need_does_not_undo_what_the_service_needs(checkout: Path) -> None:
    for name in ("service", "service", "dev", "service", "dev"):
        assert install(checkout, name).returncode == 0
    assert calls(checkout) == 2


def test_an_installation_that_failed_is_a_sentence_and_is_tried_again(checkout: Path) -> None:
    (checkout / "broken").touch()
    failed = install(checkout)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("[prepare] The Python packages could not be installed")
    (checkout / "broken").unlink()
    assert install(checkout).returncode == 0
    assert calls(checkout) == 2


def test_an_ordinary_user_is_told_which_packages_are_missing(checkout: Path) -> None:
    asked = shell(
        checkout, "id() { echo 1000; }; missing_packages() { echo uidmap; echo perl; }; prepare_system; echo on"
    )
    assert asked.returncode == 1
    assert asked.stdout == ""
    (said,) = asked.stderr.splitlines()
    assert said == (
        "[prepare] These Debian packages are missing: ask an administrator to run: apt-get install uidmap perl"
    )


def test_a_machine_without_apt_is_told_what_this_is_made_for(checkout: Path) -> None:
    asked = shell(checkout, "PATH=/nowhere; prepare_system")
    assert asked.returncode == 1
    assert "Debian 12 or 13" in asked.stderr


def test_a_relative_home_is_seen_from_where_the_command_is_typed(tmp_path: Path) -> None:
    asked = subprocess.run(
        ["env", "PROMINENCE_HOME=here", str(ROOT / "deploy" / "quickstart"), "env"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert asked.returncode == 1
    assert f"Nothing was started in {tmp_path}/here yet" in asked.stderr
