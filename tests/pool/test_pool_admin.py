"""`prominence-admin` on a real pool with a real local site: `sites check` leaves nothing behind, `why` changes nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloud_provisioner.store.schema import migrate
from deploy import nodes, service
from deploy.home import POOL_PORT
from deploy.instance import Instance
from deploy.namespaces import remove_tree
from tests.pool.conftest import User
from tests.pool.seeing import head_of

pytestmark = pytest.mark.timeout(300)

ADDRESSES = (180, 189)
"""Last numbers of the loopback addresses of the site's workers."""
STEPS = ("description", "appliance", "namespaces", "folder", "quota", "list", "pool", "boot", "join", "job", "delete")


@dataclass
class Admin:
    """Who may run `prominence-admin` for an instance, with one local site called here."""

    instance: Instance
    folder: Path

    def __post_init__(self) -> None:
        address, home = self.instance.settings.address, self.instance.home
        head = head_of(self.instance)
        (self.folder / "sites.d").mkdir()
        (self.folder / "sites.d" / "here.yaml").write_text(
            f"name: here\ndriver: local\nappliance: {head.machine.lower}\nfolder: {self.servers}\n"
            "worker: {cores: 1, memory_gb: 0.5, disk_gb: 1}\nlimits: {servers: 2}\n"
            f"addresses: {address(ADDRESSES[0])}-{address(ADDRESSES[1])}\n"
        )
        database = f"sqlite:///{self.folder}/provisioner.sqlite"
        (self.folder / "provisioner.toml").write_text(
            f'sites = "{self.folder}/sites.d"\ndatabase = "{database}"\n'
            f'[pool]\nhead = "{address(1)}"\nport = {POOL_PORT}\ndomain = "{nodes.DOMAIN}"\n'
            f'signing_key = "{home.signing_key}"\n[pace]\nlist_busy = 0.2\n'
        )
        migrate(database)

    @property
    def servers(self) -> Path:
        return self.folder / "workers"

    def left(self) -> list[str]:
        """The servers of the site."""
        return [one.name for one in self.servers.glob("[0-9a-f]*-*")]

    def start(self, *words: str) -> subprocess.Popen[str]:
        environ = {
            **os.environ,
            "CONDOR_CONFIG": str(self.instance.home.provisioner_config),
            "PROMINENCE_PROVISIONER": str(self.folder / "provisioner.toml"),
        }
        command = [sys.executable, "-u", "-m", "cloud_provisioner", *words]
        return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *words: str) -> tuple[int, str, str]:
        with self.start(*words) as process:
            out, err = process.communicate(timeout=180)
        return process.returncode, out, err


@pytest.fixture(scope="module")
def admin(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    folder = Path(tmp_path_factory.mktemp("admin"))
    folder.chmod(0o711)
    made = Admin(instance, folder)
    yield made
    assert made.left() == []
    remove_tree(made.servers)


def verdicts(out: str) -> dict[str, str]:
    """Step -> PASS, FAIL or SKIP."""
    return {line.split()[1]: line.split()[0] for line in out.splitlines() if re.match("(PASS|FAIL|SKIP)  ", line)}


def queued(instance: Instance) -> int:
    head = head_of(instance)
    command = ["condor_q", "-allusers", "-constraint", 'Owner == "provisioner"', "-af", "ClusterId"]
    return len(nodes.run_on_head(head, command).split())


def test_a_site_that_works_passes_every_step_and_nothing_is_left(admin: Admin) -> None:
    code, out, err = admin.run("sites", "check", "here", "--timeout", "120")
    assert verdicts(out) == dict.fromkeys(STEPS, "PASS"), out + err
    assert code == 0
    assert admin.left() == []
    assert queued(admin.instance) == 0


def test_without_a_boot_nothing_is_made(admin: Admin) -> None:
    code, out, _ = admin.run("sites", "check", "here", "--no-boot")
    assert (code, list(verdicts(out))) == (0, list(STEPS[:6]))


def test_what_does_not_work_is_named_with_the_remedy_and_nothing_is_booted(admin: Admin) -> None:
    text = (admin.folder / "sites.d" / "here.yaml").read_text()
    wrong = re.sub("appliance: .*", "appliance: /nowhere", text).replace("name: here", "name: wrong")
    (admin.folder / "sites.d" / "wrong.yaml").write_text(wrong)
    try:
        code, out, err = admin.run("sites", "check", "wrong")
    finally:
        (admin.folder / "sites.d" / "wrong.yaml").unlink()
    found = verdicts(out)
    assert code == 1
    assert (found["appliance"], found["folder"], found["boot"]) == ("FAIL", "PASS", "SKIP")
    assert "There is no root file system in the `appliance` /nowhere: name its folder." in out
    assert err == "wrong does not work: appliance.\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", ["pool", "boot", "join"])
def test_who_is_told_to_end_gives_back_what_was_made(admin: Admin, number: signal.Signals, after: str) -> None:
    with admin.start("sites", "check", "here", "--timeout", "120") as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith(f"PASS  {after} "):
                process.send_signal(number)
        assert process.wait(60) == 130, "".join(lines)
    assert admin.left() == [], "".join(lines)
    if after != "pool":
        assert verdicts("".join(lines))["delete"] == "PASS"
    assert queued(admin.instance) == 0


def test_a_worker_that_cannot_reach_the_pool_fails_in_time_and_is_deleted(admin: Admin) -> None:
    settings = admin.folder / "provisioner.toml"
    text = settings.read_text()
    settings.write_text(text.replace(f"port = {POOL_PORT}", "port = 9"))
    try:
        code, out, _ = admin.run("sites", "check", "here", "--timeout", "3")
    finally:
        settings.write_text(text)
    found = verdicts(out)
    assert code == 1
    assert [found[name] for name in ("boot", "join", "job", "delete")] == ["PASS", "FAIL", "SKIP", "PASS"]
    assert admin.left() == []


def test_why_names_each_site_and_each_worker_and_changes_nothing(admin: Admin, user: Callable[..., User]) -> None:
    alice = user("alice")
    number = alice.submit("true", resources={"cpus": 64, "memory": 1, "disk": 1})
    code, out, err = admin.run("why", str(number))
    assert (code, err) == (0, "")
    assert f"Job {number} of alice in " in out
    assert re.search(r"^here +noFlavor +here has no flavor with 64 cores$", out, re.MULTILINE)
    assert re.search(r"^slot1@local-\S* .*is too small, even when it is empty$", out, re.MULTILINE)
    assert alice.describe(number)["status"] == "idle"
    alice.call("DELETE", f"/jobs/{number}")
    assert "No provisioner has acted for prominence yet" in out


def test_why_knows_a_job_that_runs_and_one_that_is_not_there(admin: Admin, user: Callable[..., User]) -> None:
    alice = user("alice")
    number = alice.submit("sleep 60")
    alice.wait(number, "running")
    assert re.match(rf"Job {number} of alice in \S+ runs on slot1_\d+@local-", admin.run("why", str(number))[1])
    alice.call("DELETE", f"/jobs/{number}")
    code, _, err = admin.run("why", "999999998")
    assert (code, err) == (
        1,
        "Job 999999998 is not in the queue: it has ended, or there never was one with this id.\n",
    )


MATCHING = """
import json
import htcondor2
from pool.matching import Matching

pool = Matching()

def verdict(**more):
    held = {"executable": "/bin/true", "transfer_executable": "false", "hold": "true"}
    # An operator's own job: one that names a submission would be looked for by the recorder.
    job = pool._located().submit(htcondor2.Submit(held | more), count=1).cluster()
    (name,) = [ad["Name"] for ad in pool.machines(["Name"]) if ad["Name"].startswith("slot1@local-")]
    found = pool.matches((job, 0), [name, "slot1@nowhere"])
    pool.remove([job], "seen")
    return [match.value for match in found.values()]

print(json.dumps([
    verdict(),
    verdict(requirements="TARGET.ProminenceSite == \\"nowhere\\""),
    verdict(requirements="TARGET.Cpus > 0", request_cpus="1000"),
    list(pool.matches((1, 0), ["slot1@local-x"])),
]))
"""


def test_htcondor_tells_whose_requirements_stand_in_the_way(admin: Admin) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MATCHING],
        env=service.environment(admin.instance.home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["nothing"], ["job"], ["worker"], []]
