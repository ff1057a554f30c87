"""The folder of an instance: taken only where it is empty or ours, and it keeps the port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.cli import main
from deploy.errors import DeployError
from deploy.home import Home, from_environment


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def content(home: Home) -> set[str]:
    return {entry.name for entry in home.path.iterdir()}


@pytest.mark.parametrize("other", ["letter.txt", ".bashrc", "images", "log"])
def test_a_folder_with_other_things_is_left_as_it_is(
    other: str, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home.path / other).mkdir(parents=True)
    home.path.chmod(0o750)
    with pytest.raises(DeployError, match=rf"holds other things \({other}\)"):
        home.make()
    monkeypatch.setenv("PROMINENCE_HOME", str(home.path))
    assert main(["clean"]) == 1
    assert f"holds other things ({other}): it is not deleted" in capsys.readouterr().err
    assert content(home) == {other}
    assert home.path.stat().st_mode & 0o777 == 0o750


def test_an_instance_may_hold_more_than_is_known_today(home: Home) -> None:
    home.make()
    (home.path / "of-another-version").mkdir()
    home.make()
    assert home.foreign() == []


def test_an_instance_of_which_a_part_is_missing_is_completed(home: Home) -> None:
    home.make()
    whole = content(home)
    home.images.rmdir()
    home.log.rmdir()
    home.make()
    assert content(home) == whole


def test_a_home_whose_making_was_killed_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mkdir = Path.mkdir
    Home(tmp_path / "whole").make()
    whole = content(Home(tmp_path / "whole"))
    for steps in range(len(whole) + 1):
        home, left = Home(tmp_path / str(steps)), iter(range(steps))

        def limited(path: Path, *words: Any, left: Iterator[int] = left, **more: Any) -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt
            mkdir(path, *words, **more)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "mkdir", limited)
            with pytest.raises(KeyboardInterrupt):
                home.make()
        home.make()
        assert content(home) == whole


def test_an_instance_keeps_its_port_until_it_is_given_another(home: Home) -> None:
    environ = {"PROMINENCE_HOME": str(home.path)}
    assert from_environment(environ).port == 8080
    home.make()
    home.port.write_text("9000")
    assert from_environment(environ).port == 9000
    assert from_environment(environ | {"PROMINENCE_PORT": ""}).port == 9000
    assert from_environment(environ | {"PROMINENCE_PORT": "9001"}).port == 9001


def test_numbers_are_of_ascii_digits() -> None:
    with pytest.raises(DeployError, match="PROMINENCE_PORT"):
        from_environment({"PROMINENCE_PORT": "٨٠٨٠"})


@pytest.mark.parametrize("words", [["env"], ["token"], ["logs"], ["condor", "condor_q"]])
def test_what_needs_an_instance_says_how_to_make_one(
    words: list[str], home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROMINENCE_HOME", str(home.path))
    assert main(words) == 1
    assert capsys.readouterr().err == f"quickstart: Nothing was started in {home.path} yet: run deploy/quickstart.\n"
    assert not home.path.exists()
