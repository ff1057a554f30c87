"""What the head of an instance is configured with, as text and files; no node is started."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deploy import nodes
from deploy.home import POOL_PORT, Home, Settings
from deploy.nodes import Node

SETTINGS = Settings(Path("/unused"), Path("/unused"), port=9000)
HEAD = SETTINGS.address(1)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    return made


def _with_token(node: Node, name: str) -> Node:
    """The node with a token already made: making one needs the appliance."""
    tokens = node.folder / "tokens"
    tokens.mkdir(parents=True, mode=0o700)
    (tokens / name).write_text("token")
    return node


def _with_tokens_of_head(node: Node) -> Node:
    made = _with_token(node, "condor")
    for folder, name in (("dagman", "prominence"), ("operator", "prominence")):
        (made.folder / "tokens" / folder).mkdir()
        (made.folder / "tokens" / folder / name).write_text("token")
    return made


@pytest.fixture
def head(home: Home, tmp_path: Path) -> Node:
    return _with_tokens_of_head(nodes.head(home, tmp_path / "appliance-1"))


def assigned(file: Path) -> dict[str, str]:
    lines = (line.partition(" = ") for line in file.read_text().splitlines())
    return {name: value for name, equals, value in lines if equals}


def included(node: Node) -> list[str]:
    lines = (node.folder / "condor_config").read_text().splitlines()
    files = [Path(line.split(" : ")[1]) for line in lines if line.startswith("include : ")]
    for file in files:
        assert (node.folder / file.relative_to("/pool")).is_file()
    return [file.stem for file in files]


def test_the_head_is_central_manager_and_access_point(head: Node, home: Home) -> None:
    nodes.prepare_head(head, SETTINGS)
    assert included(head) == ["common", "security", "central_manager", "submit", "policy"]
    config = assigned(head.folder / "condor_config")
    assert (config["NODE_ADDRESS"], config["POOL_HEAD"]) == (HEAD, HEAD)
    assert (config["POOL_PORT"], config["POOL_DOMAIN"]) == (str(POOL_PORT), "prominence")
    assert config["NODE_NAME"] == "head.prominence"
    assert config["SANDBOXES"] == str(home.sandboxes)
    assert config["PROGRAM"] == str(home.worker_program.parent)


def test_settings_that_changed_are_in_the_next_configuration(head: Node) -> None:
    nodes.prepare_head(head, SETTINGS)
    nodes.prepare_head(head, replace(SETTINGS, port=9001))
    assert assigned(head.folder / "condor_config")["NODE_ADDRESS"] == replace(SETTINGS, port=9001).address(1) != HEAD


def test_the_signing_key_is_made_once_and_can_be_read_by_the_service_alone(head: Node) -> None:
    nodes.prepare_head(head, SETTINGS)
    key = head.folder / "keys" / "POOL"
    first = key.read_text()
    assert len(first) >= 64
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    nodes.prepare_head(head, SETTINGS)
    assert key.read_text() == first


def test_two_instances_have_two_keys(head: Node, tmp_path: Path) -> None:
    nodes.prepare_head(head, SETTINGS)
    other_home = Home(tmp_path / "other")
    other_home.make()
    other = _with_tokens_of_head(nodes.head(other_home, tmp_path / "appliance-1"))
    nodes.prepare_head(other, SETTINGS)
    assert (head.folder / "keys" / "POOL").read_text() != (other.folder / "keys" / "POOL").read_text()


def test_what_was_written_over_another_appliance_is_forgotten(home: Home, head: Node, tmp_path: Path) -> None:
    nodes.prepare_head(head, SETTINGS)
    newer = nodes.head(home, tmp_path / "appliance-2")
    nodes.prepare_head(newer, SETTINGS)
    assert [disk.name for disk in newer.folder.parent.glob("disk-*")] == ["disk-appliance-2"]


def test_the_head_sees_sandboxes_and_program_and_no_secrets_of_the_service(home: Home) -> None:
    head = nodes.head(home, Path("/appliance"))
    seen = head.machine.binds or {}
    assert seen[home.sandboxes] == str(home.sandboxes)
    assert seen[home.worker_program.parent] == f"{home.worker_program.parent}:ro"
    secret = (home.keys, home.run, home.service_settings)
    assert not [folder for folder in seen for one in secret if one.is_relative_to(folder)]


def test_daemons_start_with_an_empty_environment(home: Home) -> None:
    words = nodes.head(home, Path("/appliance")).machine.command(["condor_master", "-f"])
    assert words[:2] == ["env", "-i"]
    assert [word for word in words[2:] if "=" in word and word.split("=")[0].isupper()] == [words[2]]
    assert words[-3:] == ["--", "condor_master", "-f"]


def test_the_api_and_the_provisioner_reach_the_pool_each_with_its_own_token(home: Home, head: Node) -> None:
    """HTCondor's own configuration code reads the files."""
    tokens = {home.client_config: home.keys / "condor", home.provisioner_config: home.keys / "provisioner"}
    for folder, name in ((home.keys / "condor", "prominence"), (home.keys / "provisioner", "provisioner")):
        folder.mkdir()
        (folder / name).write_text("token")
    nodes.write_client_configs(SETTINGS, home, head)
    program = (
        "import htcondor2, json\n"
        "names = ('COLLECTOR_HOST', 'SEC_TOKEN_DIRECTORY', 'SEC_DEFAULT_ENCRYPTION', 'TRUST_DOMAIN')\n"
        "print(json.dumps([htcondor2.param[name] for name in names]))\n"
    )
    for config, folder in tokens.items():
        environ = {"CONDOR_CONFIG": str(config), "PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60, check=True
        )
        assert json.loads(done.stdout) == [f"{HEAD}:{POOL_PORT}", str(folder), "REQUIRED", "prominence"]
    assert stat.S_IMODE(home.keys.stat().st_mode) == 0o700


def test_the_ends_of_a_nodes_logs_are_shown_with_their_names(head: Node) -> None:
    nodes.prepare_head(head, SETTINGS)
    log = head.folder / "log" / "SchedLog"
    log.write_bytes(b"".join(b"line %d \xff\n" % number for number in range(100)))
    shown = nodes.log_tails(head, lines=2)
    assert f"== {log}\n" in shown
    assert [line[:7] for line in shown.splitlines()[1:]] == ["line 98", "line 99"]
