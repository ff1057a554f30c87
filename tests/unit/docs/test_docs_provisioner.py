"""What the documentation says about a provisioner that is set up by hand is what the program takes."""

from __future__ import annotations

import re
from pathlib import Path

from cloud_provisioner.cli import parser
from cloud_provisioner.settings import load
from deploy import nodes
from tests.unit.docs.reference import ROOT

TEXT = (ROOT / "docs" / "provisioner.md").read_text()


def blocks(language: str) -> list[str]:
    """The code blocks of a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.M | re.S)


def test_the_settings_are_all_that_is_needed(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    file = tmp_path / "provisioner.toml"
    file.write_text(text)
    assert load(file).pool.domain == "example"


def test_the_configuration_sets_every_parameter_of_a_client() -> None:
    (text,) = blocks("text")
    included = (ROOT / "condor_config" / "client.conf").read_text()
    named = re.findall(r"^(\w+) *=", text, re.M)
    asked = set(re.findall(r"\$\((\w+)\)", included))
    assert asked <= set(named)
    assert "include : /opt/prominence/condor_config/client.conf\n" in text


def test_the_token_has_the_rights_and_the_life_that_quickstart_gives_it() -> None:
    (made,) = [block for block in blocks("sh") if "condor_token_create" in block]
    assert tuple(re.findall(r"-authz (\w+)", made)) == nodes._PROVISIONER
    assert re.findall(r"-lifetime (\d+)", made) == [str(nodes._TOKEN_LIFETIME)]


def test_every_command_is_one_of_the_program() -> None:
    said = "\n".join([*blocks("sh"), *blocks("ini")])
    commands = re.findall(r"prominence-admin ((?:[\w./-]+ ?)+?)(?: {2,}#|$)", said, re.M)
    assert commands[-2:] == ["migrate", "run"]
    for words in commands:
        assert parser().parse_args(words.split()).run, words
