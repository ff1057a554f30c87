"""Jobs of several nodes, put into the queue as they are: so many nodes, each of one core, at some of the sites."""

from __future__ import annotations

import json
import subprocess
import sys

from deploy import nodes, service
from deploy.instance import Instance
from pool.attributes import Job

_PROGRAM = """
import json, sys
import htcondor2
from pool import demand
from pool.attributes import Job
from pool.submission import literal, quoted, quoted_list
nodes, sites = json.load(sys.stdin)
description = {
    "universe": "parallel",
    "executable": "/bin/true",
    "transfer_executable": "false",
    "should_transfer_files": "YES",
    "machine_count": str(nodes),
    "request_cpus": "1",
    "request_memory": "256",
    "request_disk": "1048576",
    "accounting_group": "users",
    "accounting_group_user": "alice",
    "My.Owner": quoted("alice"),
    f"My.{Job.REQUIRED_SITES}": quoted_list(sites),
    f"My.{Job.WALLTIME}": "3600",
}
description[f"My.{Job.DEMAND}"] = literal(demand.key(description))
schedd = htcondor2.Schedd(htcondor2.Collector().locate(htcondor2.DaemonType.Schedd, "prominence@"))
print(schedd.submit(htcondor2.Submit(description)).cluster())
"""


def submit(instance: Instance, number: int, *sites: str) -> int:
    """Submits a job of so many nodes; its id."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        input=json.dumps([number, sites]),
        env=service.environment(instance.home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def reason(head: nodes.Node, job: int) -> str:
    """Why a job in the queue waits, as its ad has it."""
    command = ["condor_q", "-name", "prominence@", str(job), "-af", Job.REASON_TEXT]
    return nodes.run_on_head(head, command).strip()
