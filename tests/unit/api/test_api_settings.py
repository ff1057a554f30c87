"""The API's settings: read from one file, and refused with a sentence that names the file and the key."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from api.__main__ import main
from api.settings import Settings, SettingsError, load, shown

GOOD = """
url = "https://prominence.example.eu/prominence/v1"
sandboxes = "/srv/sandboxes"
worker_program = "/srv/program/worker.pyz"
job_token_secret = "/srv/keys/job-tokens"
run = "/srv/run"
records = "/srv/records.toml"

[[issuers]]
issuer = "https://aai.example.eu/oidc"
audiences = ["prominence"]

[vos]
"vo.example.eu" = ["urn:mace:egi.eu:group:vo.example.eu:role=member"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "service.toml"


def test_a_file_with_what_is_required_gives_settings_with_defaults_for_the_rest(file: Path) -> None:
    file.write_text(GOOD)
    settings = load(file)
    assert settings.sandboxes == Path("/srv/sandboxes")
    assert settings.issuers[0].audiences == ("prominence",)
    assert settings.vos == {"vo.example.eu": ("urn:mace:egi.eu:group:vo.example.eu:role=member",)}
    assert settings.schedd == "prominence@"
    assert settings.max_body == 4 * 2**20


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("url =", "adress =", "adress: there is no such key"),
        ("[vos]", "colour = 1\n[vos]", "issuers[0].colour"),
        ("url =", "colour = 1\nurl =", "colour"),
        ("https://prominence", "gopher://prominence", "url"),
        ('["prominence"]', "[]", "issuers[0].audiences"),
        ('["prominence"]', '"prominence"', "issuers[0].audiences"),
        ('issuer = "https://aai.example.eu/oidc"', "", "issuers[0].issuer"),
        ('"vo.example.eu" =', '"" =', "vos"),
        ("url =", "max_body = 1\nurl =", "max_body"),
    ],
)
def test_a_bad_key_is_refused_by_file_and_name(file: Path, old: str, new: str, key: str) -> None:
    assert old in GOOD
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(SettingsError) as refused:
        load(file)
    assert str(refused.value).startswith(f"{file}: {key}")


def test_a_file_that_is_not_there_or_not_toml_is_refused_by_name(file: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load(file)
    file.write_text("url = ")
    with pytest.raises(SettingsError, match="is not TOML"):
        load(file)


def test_each_setting_is_shown_with_its_source(file: Path) -> None:
    file.write_text(GOOD)
    lines = shown(load(file)).splitlines()
    assert [line.split(" = ")[0] for line in lines] == list(Settings.model_fields)
    sources = {line.split(" = ")[0]: line.split("# ")[1].split(":")[0] for line in lines}
    assert (sources["url"], sources["issuers"], sources["schedd"]) == ("file", "file", "default")


def test_settings_do_not_change_once_read(file: Path) -> None:
    file.write_text(GOOD)
    with pytest.raises(ValueError, match="frozen"):
        load(file).schedd = "other@"


def test_the_command_shows_a_file_or_says_what_is_wrong_with_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["python -m api", "--show-config", str(file)])
    assert main() == 1
    assert str(file) in capsys.readouterr().err
    file.write_text(GOOD)
    assert main() == 0
    assert "max_body = 4194304" in capsys.readouterr().out
