"""What the nodes of an instance are configured with, as text and files; no node is started."""

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

SETTINGS = Settings(Path("/unused"), Path("/unused"), port=9000, workers=2, worker_cpus=3, worker_memory=2048)
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


@pytest.fixture
def worker(home: Home, tmp_path: Path) -> Node:
    return _with_token(nodes.worker(2, home, tmp_path / "appliance-1"), "worker")


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


def test_a_worker_is_a_worker_alone(worker: Node, head: Node) -> None:
    nodes.prepare_worker(worker, 2, SETTINGS, head)
    assert included(worker) == ["common", "security", "worker"]
    config = assigned(worker.folder / "condor_config")
    assert (config["NODE_ADDRESS"], config["POOL_HEAD"]) == (SETTINGS.address(12), HEAD)
    assert (config["WORKER_CPUS"], config["WORKER_MEMORY"]) == ("3", "2048")
    assert (config["WORKER_SITE"], config["WORKER_REGION"]) == ("local", "local")
    assert config["WORKER_REGISTRY_MIRROR"] == ""


def test_a_worker_holds_its_token_and_no_key(worker: Node, head: Node) -> None:
    nodes.prepare_head(head, SETTINGS)
    nodes.prepare_worker(worker, 2, SETTINGS, head)
    assert [file.name for file in (worker.folder / "tokens").iterdir()] == ["worker"]
    key = (head.folder / "keys" / "POOL").read_text()
    files = [file for file in worker.folder.rglob("*") if file.is_file()]
    assert files
    assert not any(key in file.read_text() for file in files)
    assert not (worker.folder / "keys").exists()


def test_each_job_that_may_run_at_a_time_has_an_account(worker: Node, head: Node) -> None:
    nodes.prepare_worker(worker, 2, SETTINGS, head)
    assert assigned(worker.folder / "slots.conf") == {
        "SLOT1_1_USER": "slot001",
        "SLOT1_2_USER": "slot002",
        "SLOT1_3_USER": "slot003",
    }


def test_settings_that_changed_are_in_the_next_configuration(worker: Node, head: Node) -> None:
    nodes.prepare_worker(worker, 2, SETTINGS, head)
    mirrored = replace(SETTINGS, registry_mirror="http://127.0.0.1:5000", worker_cpus=1)
    nodes.prepare_worker(worker, 2, mirrored, head)
    config = assigned(worker.folder / "condor_config")
    assert (config["WORKER_REGISTRY_MIRROR"], config["WORKER_CPUS"]) == ("http://127.0.0.1:5000", "1")
    assert list(assigned(worker.folder / "slots.conf")) == ["SLOT1_1_USER"]


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


def test_the_nodes_are_those_that_were_asked_for(home: Home) -> None:
    head, workers = nodes.nodes_of(SETTINGS, home, Path("/appliance"))
    assert (head.name, [worker.name for worker in workers]) == ("head", ["worker1", "worker2"])
    assert nodes.nodes_of(replace(SETTINGS, workers=0), home, Path("/appliance"))[1] == []
    assert len({node.folder for node in (head, *workers)}) == 3
    assert len({node.process.file for node in (head, *workers)}) == 3


def test_the_head_sees_sandboxes_and_program_and_no_secrets_of_the_service(home: Home) -> None:
    head, _ = nodes.nodes_of(SETTINGS, home, Path("/appliance"))
    seen = head.machine.binds or {}
    assert seen[home.sandboxes] == str(home.sandboxes)
    assert seen[home.worker_program.parent] == f"{home.worker_program.parent}:ro"
    secret = (home.keys, home.run, home.service_settings)
    assert not [folder for folder in seen for one in secret if one.is_relative_to(folder)]


def test_workers_see_images_alone_and_cannot_change_them(home: Home) -> None:
    _, workers = nodes.nodes_of(SETTINGS, home, Path("/appliance"))
    assert [worker.machine.binds for worker in workers] == [{home.images: "/images:ro"}] * 2


def test_daemons_start_with_an_empty_environment(home: Home) -> None:
    for node in (nodes.head(home, Path("/appliance")), nodes.worker(1, home, Path("/appliance"))):
        words = node.machine.command(["condor_master", "-f"])
        assert words[:2] == ["env", "-i"]
        assert [word for word in words[2:] if "=" in word and word.split("=")[0].isupper()] == [words[2]]
        assert words[-3:] == ["--", "condor_master", "-f"]


def test_the_api_reaches_the_pool_with_its_own_token(home: Home, head: Node) -> None:
    """HTCondor's own configuration code reads the file."""
    tokens = home.keys / "condor"
    tokens.mkdir()
    (tokens / "prominence").write_text("token")
    nodes.write_client_config(SETTINGS, home, head)
    program = (
        "import htcondor2, json\n"
        "names = ('COLLECTOR_HOST', 'SEC_TOKEN_DIRECTORY', 'SEC_DEFAULT_ENCRYPTION', 'TRUST_DOMAIN')\n"
        "print(json.dumps([htcondor2.param[name] for name in names]))\n"
    )
    environ = {"CONDOR_CONFIG": str(home.client_config), "PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(done.stdout) == [f"{HEAD}:{POOL_PORT}", str(tokens), "REQUIRED", "prominence"]
    assert stat.S_IMODE(home.keys.stat().st_mode) == 0o700


def test_the_ends_of_a_nodes_logs_are_shown_with_their_names(head: Node) -> None:
    nodes.prepare_head(head, SETTINGS)
    log = head.folder / "log" / "SchedLog"
    log.write_bytes(b"".join(b"line %d \xff\n" % number for number in range(100)))
    shown = nodes.log_tails(head, lines=2)
    assert f"== {log}\n" in shown
    assert [line[:7] for line in shown.splitlines()[1:]] == ["line 98", "line 99"]
