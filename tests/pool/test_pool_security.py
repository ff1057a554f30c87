"""What a worker's token opens, and what it does not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from deploy import nodes
from deploy.files import write_private
from deploy.instance import Instance
from deploy.namespaces import Machine
from tests.pool.conftest import User

pytestmark = pytest.mark.timeout(120)


def outcome(instance: Instance, folder: Path, identity: str, rights: list[str], command: list[str]) -> tuple[int, str]:
    """Exit code and output of a command that holds a token of `identity` limited to `rights`, and no key."""
    head, _ = nodes.nodes_of(instance.settings, instance.home, instance._appliance())
    pool = folder / "pool"
    shutil.rmtree(pool, ignore_errors=True)
    pool.mkdir(parents=True)
    shutil.copy(head.folder / "condor_config", pool)
    shutil.copytree(head.folder / "config", pool / "config")
    # Where this configuration has tools look for one.
    tokens = pool / "tokens" / "operator"
    tokens.mkdir(mode=0o700, parents=True)
    write_private(tokens / "token", nodes.mint_token(head, identity, rights))
    machine = Machine("outsider", head.machine.lower, pool, service=True)
    done = subprocess.run(machine.command(command), capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


READS = [
    ["condor_q", "-allusers", "-name", "prominence@"],
    ["condor_history", "-name", "prominence@", "-limit", "1"],
    ["condor_status", "-any", "-af", "Name"],
]


@pytest.mark.parametrize("command", READS, ids=["queue", "history", "ads"])
def test_a_workers_token_reads_nothing(instance: Instance, tmp_path: Path, command: list[str]) -> None:
    tmp_path.chmod(0o755)
    code, text = outcome(instance, tmp_path, "worker-x", ["ADVERTISE_STARTD", "ADVERTISE_MASTER"], command)
    assert code != 0 or "Unable to locate remote schedd" in text, text
    assert "worker1" not in text
    code, text = outcome(instance, tmp_path, "prominence", ["READ"], command)
    # The same command, with the right to read, works.
    assert code == 0, text
    assert "Unable" not in text


def test_no_worker_holds_the_signing_key(instance: Instance) -> None:
    assert (instance.home.nodes / "head/pool/keys/POOL").stat().st_mode & 0o777 == 0o600
    assert list(instance.home.nodes.glob("worker*/**/POOL")) == []


def test_an_operator_holds_and_removes_jobs(instance: Instance) -> None:
    alice = User(instance, "alice")
    number = alice.submit("sleep 600", policies={"placement": {"requirements": {"sites": ["nowhere"]}}})
    assert instance.on_head(["condor_hold", "-name", "prominence@", str(number)]) == 0
    assert alice.wait(number, "idle")["statusReason"] == "An operator of the service holds it."
    assert instance.on_head(["condor_rm", "-name", "prominence@", str(number)]) == 0
    assert alice.wait(number)["status"] == "killed"
