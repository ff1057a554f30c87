"""Writes into a job's ad why it waits, as the provisioner does, and asks the head what operators ask it."""

from __future__ import annotations

import json
import subprocess
import sys

from deploy import service
from deploy.instance import Instance
from tests.pool.seeing import head_of

PROGRAM = """
import json, sys
import htcondor2
from pool.attributes import Job
from pool.submission import quoted
number, code, text, site = json.load(sys.stdin)
schedd = htcondor2.Schedd(htcondor2.Collector().locate(htcondor2.DaemonType.Schedd, "prominence@"))
for name, value in ((Job.REASON_SITE, site), (Job.REASON_TEXT, text), (Job.REASON, code)):
    found = schedd.edit(f"{number}.0", str(name), quoted(value), flags=htcondor2.TransactionFlag.ShouldLog)
    assert found == 1, found
"""


def say(instance: Instance, number: int, code: str, text: str, site: str) -> None:
    """The job in the queue of that ClusterId waits for that reason."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps([number, code, text, site]),
        env=service.environment(instance.home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def on_head(instance: Instance, *command: str) -> str:
    """What an operator's command on the head prints."""
    done = subprocess.run(
        head_of(instance).machine.command(command), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
