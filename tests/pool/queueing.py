"""Jobs that are queued past the API.

By processes of their own, since the bindings read HTCondor's configuration once, when they are imported.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from deploy import service
from deploy.instance import Instance
from pool import demand

_SUBMIT = """
import json, sys, htcondor2
from pool.session import Pool
pool = Pool()
pool._introduce()
print(pool._located().submit(htcondor2.Submit(json.loads(sys.argv[1])), count=int(sys.argv[2])).cluster())
"""
_ASK = """
import json, sys
from pool.session import Pool
pool = Pool()
ask = pool.history if sys.argv[1] == "history" else pool.query
print(json.dumps(ask(sys.argv[2], json.loads(sys.argv[3]), limit=100_000)))
"""
_REMOVE = """
import sys, htcondor2
ad = htcondor2.Collector().locate(htcondor2.DaemonType.Schedd, "prominence@")
htcondor2.Schedd(ad).act(htcondor2.JobAction.Remove, sys.argv[1])
"""


def run(instance: Instance, script: str, *arguments: str, config: str = "client_config") -> str:
    """Output of a Python script with the rights of the REST API, or by another file of the instance's home with others."""
    environ = service.environment(instance.home) | {"CONDOR_CONFIG": str(instance.home.path / config)}
    command = [sys.executable, "-W", "ignore", "-c", script, *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def queue(instance: Instance, count: int = 1, owner: str = "alice", seconds: int = 600, **more: str) -> int:
    """Queues jobs that sleep, with a DEMAND, and returns their ClusterId."""
    folder = instance.home.sandboxes / "queued"
    folder.mkdir(exist_ok=True)
    description = {
        "universe": "vanilla",
        "executable": "/bin/sleep",
        "arguments": str(seconds),
        "transfer_executable": "false",
        "should_transfer_files": "YES",
        "initialdir": str(folder),
        "log": "$(ClusterId).log",
        "request_cpus": "1",
        "request_memory": "64",
        "request_disk": "1024",
        "accounting_group": "vo",
        "accounting_group_user": owner,
        "My.Owner": f'"{owner}"',
        **more,
    }
    description["My.ProminenceDemand"] = f'"{demand.key(description)}"'
    return int(run(instance, _SUBMIT, json.dumps(description), str(count)))


def ads(instance: Instance, constraint: str, *projection: str, where: str = "queue") -> list[Mapping[str, Any]]:
    """Jobs in the queue, or in the history, with these attributes."""
    found: list[Mapping[str, Any]] = json.loads(run(instance, _ASK, where, constraint, json.dumps(projection)))
    return found


def remove(instance: Instance, constraint: str = "true") -> None:
    """Removes jobs."""
    run(instance, _REMOVE, constraint)
