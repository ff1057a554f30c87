"""What a worker's token opens, and what it does not."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy import nodes
from deploy.files import write_private
from deploy.instance import Instance
from deploy.namespaces import Machine
from tests.pool.conftest import User
from tests.pool.queueing import ads, queue, run
from tests.pool.seeing import head_of
from tests.pool.workers import left_alone, name_of, only, pool_of

pytestmark = pytest.mark.timeout(120)


def outcome(instance: Instance, folder: Path, identity: str, rights: list[str], command: list[str]) -> tuple[int, str]:
    """Exit code and output of a command that holds a token of `identity` limited to `rights`, and no key."""
    head = head_of(instance)
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
    assert name_of(only(instance)) not in text
    code, text = outcome(instance, tmp_path, "prominence", ["READ"], command)
    # The same command, with the right to read, works.
    assert code == 0, text
    assert "Unable" not in text


def test_no_worker_holds_the_signing_key(instance: Instance) -> None:
    key = instance.home.nodes / "head/pool/keys/POOL"
    assert key.stat().st_mode & 0o777 == 0o600
    folder = pool_of(only(instance))
    assert list((folder / "keys").iterdir()) == []
    ours = [file for file in folder.rglob("*") if file.is_file() and os.access(file, os.R_OK)]
    assert folder / "condor_config" in ours
    assert [file for file in ours if key.read_bytes() in file.read_bytes()] == []


def test_an_operator_holds_and_removes_jobs(instance: Instance) -> None:
    alice = User(instance, "alice")
    number = alice.submit("sleep 600", policies={"placement": {"requirements": {"sites": ["nowhere"]}}})
    assert instance.on_head(["condor_hold", "-name", "prominence@", str(number)]) == 0
    assert alice.wait(number, "idle")["statusReason"] == "An operator of the service holds it."
    assert instance.on_head(["condor_rm", "-name", "prominence@", str(number)]) == 0
    assert alice.wait(number)["status"] == "killed"


PROVISIONER = list(nodes._PROVISIONER)


@pytest.mark.parametrize("command", READS, ids=["queue", "history", "ads"])
def test_the_provisioner_sees_queue_and_workers(instance: Instance, tmp_path: Path, command: list[str]) -> None:
    tmp_path.chmod(0o755)
    code, text = outcome(instance, tmp_path, "provisioner", PROVISIONER, command)
    assert code == 0, text
    assert "Unable" not in text


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        (["condor_reconfig", "-daemon", "collector", "-name", "PROMINENCE@head.prominence"], True),
        (["condor_reconfig", "-daemon", "schedd", "-name", "prominence@"], False),
        (["condor_reconfig", "-daemon", "negotiator", "-name", "service@head.prominence"], False),
        (["condor_reconfig", "-daemon", "master", "-name", "service@head.prominence"], False),
        (["condor_userprio", "-setfactor", "ann@prominence", "10"], False),
        (["condor_config_val", "-rset", "-collector", "FOO = 1"], False),
        (["condor_advertise", "UPDATE_SCHEDD_AD", "/pool/ad"], False),
        (["condor_advertise", "UPDATE_MASTER_AD", "/pool/ad"], False),
        (["condor_advertise", "INVALIDATE_STARTD_ADS", "/pool/ad"], True),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else "",
)
def test_the_provisioner_administers_the_collector_and_nothing_else(
    instance: Instance, tmp_path: Path, command: list[str], allowed: bool
) -> None:
    tmp_path.chmod(0o755)
    told = [
        "sh",
        "-c",
        f'printf \'MyType = "x"\\nName = "x"\\nRequirements = false\\n\' >/pool/ad; exec {shlex.join(command)}',
    ]
    code, text = outcome(instance, tmp_path, "provisioner", PROVISIONER, told)
    assert (code == 0) is allowed, text


def test_the_provisioner_writes_into_ads_and_submits_nothing(instance: Instance) -> None:
    number = queue(instance, requirements='TARGET.ProminenceSite == "nowhere"')
    edit = "import sys\nfrom pool.head import Head\nHead().edit('ProminenceReason', 'quota', [(int(sys.argv[1]), 0)])"
    with left_alone(instance):
        run(instance, edit, str(number), config="provisioner_config")
        assert ads(instance, f"ClusterId == {number}", "ProminenceReason")[0]["ProminenceReason"] == "quota"
    refusals = json.loads(run(instance, FORBIDDEN, str(number), config="provisioner_config"))
    assert refusals["submit"].endswith("The provisioner submits no jobs.")
    assert refusals["forged"].endswith("The provisioner submits no jobs.")
    assert refusals["owner"] != "done"
    assert {ad["Owner"] for ad in ads(instance, "true", "Owner")} == {"alice"}


FORBIDDEN = """
import json, sys, htcondor2
schedd = htcondor2.Schedd(htcondor2.Collector().locate(htcondor2.DaemonType.Schedd, "prominence@"))
held = {"executable": "/bin/true", "transfer_executable": "false", "hold": "true", "My.Owner": '"alice"'}
asked = {
    "submit": lambda: schedd.submit(htcondor2.Submit(held)),
    "forged": lambda: schedd.submit(htcondor2.Submit(held | {"My.AuthTokenSubject": '"prominence@prominence"'})),
    "owner": lambda: schedd.edit(sys.argv[1], "Owner", '"bob"'),
}
said = {}
for name, call in asked.items():
    try:
        call()
        said[name] = "done"
    except htcondor2.HTCondorException as error:
        said[name] = str(error)
print(json.dumps(said))
"""


def test_a_worker_drains_nobody(instance: Instance, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    rights, name = ["ADVERTISE_STARTD", "ADVERTISE_MASTER"], f"slot1@{name_of(only(instance))}"
    code, text = outcome(instance, tmp_path, "worker-x", rights, ["condor_drain", "-graceful", name])
    assert code != 0, text
    shown = nodes.run_on_head(head_of(instance), ["condor_status", name, "-af", "Name", "State", "Draining"])
    assert (name in shown, "Drain" in shown, "true" in shown) == (True, False, False), shown


def test_the_provisioners_token_is_private(instance: Instance) -> None:
    tokens = instance.home.keys / "provisioner"
    assert (tokens.stat().st_mode & 0o777, (tokens / "provisioner").stat().st_mode & 0o777) == (0o700, 0o600)
