"""What a job that broke out of its container finds at the access point: its own folder, and nothing else.

A task cannot reach the I/O proxy of its job at all. Behind that stand the walls of the shadow: here a program that is not
the executor, with all that a worker has of the job, asks it for what is none of its business.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.documents.parse import parse_job
from api.jobs.translate import Context, facts, submit_description
from deploy import service
from deploy.instance import Instance
from identity.caller import Caller
from pool import attributes
from tests.pool.conftest import User, job

pytestmark = pytest.mark.timeout(120)

INTRUDER = """#!/usr/bin/python3
import json, socket, time

host, port, cookie = open(".chirp.config").read().split()[:3]
proxy = socket.create_connection((host, int(port)), 30)
answers = proxy.makefile("rb")

def ask(command, data=b""):
    proxy.sendall(command.encode() + b"\\n" + data)
    number = int(answers.readline())
    verb = command.split()[0]
    if number >= 0 and verb == "open":
        answers.readline()
    if number >= 0 and verb == "stat":
        return number, answers.readline().decode()
    if number > 0 and verb in ("pread", "getfile", "getdir", "readlink", "get_job_attr"):
        return number, answers.read(number).decode()
    return number, ""

ask("cookie " + cookie)
plan = json.load(open("plan.json"))
told = [ask(command) for command in plan["commands"]]
text = json.dumps(told).encode()
handle, _ = ask("open told.partial wct 384")
ask(f"pwrite {handle} {len(text)} 0", text)
ask(f"close {handle}")
ask("rename told.partial told")
time.sleep(plan["stay"])
"""
SUBMIT = "import json, sys; from pool.session import Pool; print(Pool().submit(json.load(sys.stdin)))"


class Intruder:
    """A job of alice's, as the API submits it but for its program, that asks its shadow for `commands`, then stays."""

    def __init__(self, instance: Instance, commands: Callable[[Path], list[str]], stay: float = 0) -> None:
        name = uuid.uuid4().hex
        self.sandbox = instance.home.sandboxes / name
        self.commands = commands(self.sandbox)
        self.sandbox.mkdir(mode=0o700)
        program = self.sandbox / "intruder"
        program.write_text(INTRUDER)
        program.chmod(0o700)
        (self.sandbox / "plan.json").write_text(json.dumps({"commands": self.commands, "stay": stay}))
        issuer = service.issuer_name(instance.settings)
        caller = Caller("alice", issuer, "alice", ("users",))
        context = Context(caller, issuer, name, self.sandbox, instance.home.worker_program, instance.settings.url)
        document = parse_job(json.dumps(job("true")).encode())
        description = submit_description(document, context, facts(document, context)) | {
            "executable": str(program),
            "transfer_input_files": "plan.json",
            "transfer_output_files": '""',
        }
        done = subprocess.run(
            [sys.executable, "-c", SUBMIT],
            input=json.dumps(description),
            env=service.environment(instance.home),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.number = int(done.stdout)

    def told(self) -> dict[str, tuple[int, str]]:
        """What each command was answered: a number, negative for a refusal, and the data."""
        deadline = time.monotonic() + 60
        while not (self.sandbox / "told").exists():
            assert time.monotonic() < deadline, f"job {self.number} has told nothing"
            time.sleep(0.05)
        answers = json.loads((self.sandbox / "told").read_text())
        return {command: (number, data) for command, (number, data) in zip(self.commands, answers, strict=True)}


@pytest.fixture
def victim(instance: Instance, user: Callable[..., User]) -> Any:
    """The folder of a job of bob's, which runs."""
    bob = user("bob")
    before = set(instance.home.sandboxes.iterdir())
    number = bob.submit("sleep 600")
    (folder,) = set(instance.home.sandboxes.iterdir()) - before
    bob.wait(number, "running")
    yield folder
    bob.call("DELETE", f"/jobs/{number}")


def test_a_task_finds_neither_the_proxy_nor_the_secrets_of_its_job(user: Callable[..., User]) -> None:
    alice = user()
    number = alice.submit(
        "sh -c 'find / -xdev -name .chirp.config -o -xdev -name job.json -o -xdev -name token; env; set'"
    )
    assert alice.wait(number)["status"] == "completed"
    text = alice.stdout(number)
    assert "PROMINENCE_JOB_ID" in text
    for word in ("chirp", "CHIRP", "job.json", "/token", "_CONDOR"):
        assert word not in text


def test_nothing_but_its_own_folder_can_be_read_or_changed(instance: Instance, victim: Path) -> None:
    key = instance.home.nodes / "head/pool/keys/POOL"
    program = instance.home.worker_program
    secret, executor = key.read_text(), program.read_bytes()
    given = {name: (victim / name).read_bytes() for name in ("token", "job.json")}

    def commands(mine: Path) -> list[str]:
        return [
            # Its own folder: what live output needs, and the proof that the questions are well put.
            "getfile plan.json",
            "open mine wct 384",
            "rename mine renamed",
            f"getdir {mine}",
            f"getdir {mine.parent}",
            # Secrets of the access point and of other jobs, directly and by detours.
            "getfile /pool/keys/POOL",
            "open /pool/keys/POOL r 0",
            "getfile /pool/tokens/condor",
            "getfile /pool/spool/job_queue.log",
            "getfile /etc/passwd",
            "getfile /proc/self/environ",
            f"getfile {victim}/token",
            f"open {victim}/token r 0",
            f"getfile ../{victim.name}/job.json",
            f"getdir {victim}",
            f"stat {victim}/token",
            f"link {victim}/token {mine}/link",
            "getfile link",
            f"symlink {victim}/token {mine}/symlink",
            "getfile symlink",
            "symlink /pool/keys/POOL keylink",
            "getfile keylink",
            f"link /pool/keys/POOL {mine}/hardkey",
            "getfile hardkey",
            f"symlink {victim} {mine}/folder",
            "getfile folder/token",
            # Others' files, the executor, and the head's. Where a wall is missing the pool is to outlive the test.
            f"open {victim}/report.json wct 384",
            f"putfile {victim}/report.json 384 0",
            f"rename {victim}/token {mine}/stolen",
            f"unlink {victim}/token",
            f"rmall {victim}",
            f"mkdir {victim}/planted 448",
            f"chmod {victim}/token 511",
            f"truncate {victim}/token 0",
            f"symlink {mine}/plan.json {victim}/report.json",
            f"open {program} w 384",
            f"chmod {program} 320",
            "symlink /etc/passwd /pool/planted",
            "symlink /etc/passwd /pool/config/planted",
            "chmod /pool/condor_config 256",
            "chmod /pool/keys/POOL 256",
            "open /pool/keys/POOL w 384",
            "open /pool/log/planted wct 384",
            "open /tmp/planted wct 384",
        ]

    intruder = Intruder(instance, commands)
    told = intruder.told()
    mine = intruder.sandbox
    allowed = [
        "getfile plan.json",
        "open mine wct 384",
        "rename mine renamed",
        f"getdir {mine}",
        f"getdir {mine.parent}",
    ]
    assert [told[command][0] >= 0 for command in allowed] == [True] * 5
    assert json.loads(told["getfile plan.json"][1])["commands"] == intruder.commands
    assert told[f"getdir {mine.parent}"][1].split() == [mine.name]
    # A link in its own folder is its own business, and the wall has a key of its own in place of the pool's: neither opens
    # anything.
    harmless = [*allowed, "symlink /pool/keys/POOL keylink", "chmod /pool/keys/POOL 256"]
    harmless += [command for command in told if command.startswith("symlink") and f" {mine}/" in command]
    got = {command: answer for command, answer in told.items() if answer[0] >= 0 and command not in harmless}
    assert got == {}
    assert secret not in (mine / "told").read_text()
    assert (key.read_text(), key.stat().st_mode & 0o777) == (secret, 0o600)
    assert program.read_bytes() == executor
    assert {name: (victim / name).read_bytes() for name in given} == given
    assert not (victim / "planted").exists()
    assert not (victim / "report.json").is_symlink()
    assert (victim / "token").stat().st_mode & 0o777 == 0o600
    assert not (instance.home.nodes / "head/pool/planted").is_symlink()


def test_whose_job_it_is_and_what_becomes_of_it_is_not_for_the_worker_to_say(
    instance: Instance, user: Callable[..., User]
) -> None:
    values = {str(name): '"mallory"' for name in attributes.Job}
    values |= {
        "Owner": '"mallory"',
        "Iwd": '"/pool/keys"',
        "Cmd": '"/bin/true"',
        "JobUniverse": "7",
        "WantIOProxy": "false",
    }
    values |= {"TransferInput": '"/pool/keys/POOL"', "TransferOutputRemaps": '"a=/pool/b"', "Out": '"/pool/c"'}
    values |= {
        "UserLog": '"/pool/log/x"',
        "AccountingGroup": '"vo.mallory"',
        "AcctGroupUser": '"mallory"',
        "JobPrio": "9",
    }
    values |= {"RequestCpus": "1", "Requirements": "true", "OnExitRemove": "false", "PeriodicRemove": "false"}
    values |= {"LeaveJobInQueue": "true", "AllowedJobDuration": "1000000", "LimitDirectoryAccess": '"/"'}
    commands = [f"set_job_attr {name} {value}" for name, value in values.items()]
    intruder = Intruder(instance, lambda _: [*commands, "get_job_attr Owner"])
    told = intruder.told()
    assert told.pop("get_job_attr Owner")[1] == '"alice"'
    assert [command for command, (number, _) in told.items() if number >= 0] == []
    shown = user("alice").wait(intruder.number)
    assert shown["tasks"][0]["cmd"] == "true"


def test_a_link_in_place_of_a_jobs_output_shows_its_owner_no_other_file(
    instance: Instance, user: Callable[..., User]
) -> None:
    secret = instance.home.keys / "job-tokens"

    def commands(mine: Path) -> list[str]:
        names = ["stdout", "stderr", "report.json"]
        return [f"unlink {name}" for name in names] + [f"symlink {secret} {mine}/{name}" for name in names]

    intruder = Intruder(instance, commands, stay=600)
    alice = user("alice")
    told = intruder.told()
    assert [told[command][0] for command in intruder.commands[3:]] == [0, 0, 0]
    assert (intruder.sandbox / "stdout").is_symlink()
    answers = [alice.call("GET", f"/jobs/{intruder.number}{path}") for path in ("/stdout", "/stderr", "")]
    alice.call("DELETE", f"/jobs/{intruder.number}")
    assert answers[2].status_code == 200
    content = secret.read_bytes()
    assert content
    assert [content in answer.content for answer in answers] == [False, False, False]
