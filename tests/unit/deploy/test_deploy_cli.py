"""`deploy/quickstart`: what its sub-commands print and how they end, where nothing has been started."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import jwt
import pytest

from deploy import service
from deploy.cli import main
from deploy.home import Home, Settings

PORT = 9000


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An instance whose secrets were made and of which nothing runs."""
    monkeypatch.setenv("PROMINENCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PROMINENCE_PORT", str(PORT))
    made = Home(tmp_path / "home")
    made.make()
    service.prepare(Settings(made.path, tmp_path, port=PORT), made)
    return made


def claims(token: str) -> dict[str, object]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_env_prints_what_a_shell_can_evaluate(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["env"]) == 0
    printed = capsys.readouterr().out
    assert all(line.startswith("export ") for line in printed.splitlines())
    shell = subprocess.run(
        ["sh", "-c", 'eval "$1"; printf "%s %s" "$PROMINENCE_URL" "$PROMINENCE_TOKEN"', "sh", printed],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    url, token = shell.stdout.split()
    assert url == f"http://127.0.0.1:{PORT}/prominence/v1"
    assert claims(token)["sub"] == "user"


def test_token_prints_one_line_that_is_the_token(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--group", "g1", "--group", "g2", "--entitlement", "urn:x:group:a", "--lifetime", "60"]
    assert main(["token", "alice", *asked]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    said = claims(line)
    assert (said["sub"], said["groups"], said["eduperson_entitlement"]) == ("alice", ["g1", "g2"], ["urn:x:group:a"])
    expires = said["exp"]
    assert isinstance(expires, int)
    assert 0 < expires - time.time() <= 60


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["token", "--lifetime", "0"], "No token can be made"),
        (["condor"], "Say which command"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_an_exit_code(
    words: list[str], said: str, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"quickstart: {said}")
    assert len(error.splitlines()) == 1


def test_admins_paths_are_seen_from_where_the_command_is_typed(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.yaml").write_text("name: A\ndriver: nothing\n")
    (tmp_path / "json.py").write_text("raise SystemExit('a module of the folder in which the command is typed')\n")
    assert main(["admin", "sites", "validate", "mine"]) == 1
    assert "mine/a.yaml:2: driver: " in capfd.readouterr().err


def test_a_bad_setting_is_named_before_anything_is_done(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROMINENCE_PORT", "http")
    assert main(["status"]) == 1
    assert "PROMINENCE_PORT" in capsys.readouterr().err


def test_status_tells_that_nothing_was_started(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 1
    assert "deploy/quickstart" in capsys.readouterr().out


def test_status_fails_as_long_as_something_does_not_run(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    service.process(home).start(["sleep", "600"], home.log / "api.log")
    try:
        assert main(["status"]) == 0
        (home.run / "head.pid").write_text("999999999 1")
        assert main(["status"]) == 1
        lines = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert lines == [["api", "running"], ["api", "running"], ["head", "stopped"]]
    finally:
        assert main(["stop"]) == 0
    assert list(home.run.glob("*.pid")) == []


def test_logs_shows_the_end_of_each_log(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.log / "api.log").write_text("".join(f"line {number}\n" for number in range(50)))
    node = home.nodes / "head" / "pool" / "log"
    node.mkdir(parents=True)
    (node / "SchedLog").write_bytes(b"\xff schedd\n")
    worker = home.workers / "0123456789abcdef0123456789abcdef-01234567"
    (worker / "pool" / "log").mkdir(parents=True)
    for log in (worker / "console.log", worker / "pool" / "log" / "StartLog"):
        log.write_text("worker\n")
    assert main(["logs"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"== {home.log / 'api.log'}"
    assert printed[1:11] == [f"line {number}" for number in range(40, 50)]
    assert printed[11] == f"== {node / 'SchedLog'}"
    assert printed[13:] == [f"== {worker}/console.log", "worker", f"== {worker}/pool/log/StartLog", "worker"]


def test_stop_and_clean_may_be_repeated(home: Home) -> None:
    assert [main([word]) for word in ("stop", "stop", "clean", "clean")] == [0, 0, 0, 0]
    assert not home.path.exists()
