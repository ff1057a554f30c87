"""What it costs the provisioner to look at a long queue, and to tell each job why it waits.

Run against a started instance that nobody else uses: `CONDOR_CONFIG=~/.prominence/client_config .venv/bin/python -m
tests.bench.observe [JOBS [GROUPS]]`. The jobs ask for a site that does not exist, and are deleted afterwards.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import htcondor2

from cloud_provisioner.observing.session import Session
from cloud_provisioner.planning.reasons import Reason, Waiting
from pool.session import Pool
from tests.bench.submit import INSTANCE, description

JOBS, GROUPS = 10_000, 100
ROUNDS = 5


def main(jobs: int, groups: int) -> None:
    """Prints seconds and memory."""
    schedd = htcondor2.Schedd(htcondor2.Collector().locate(htcondor2.DaemonType.Schedd, "prominence@"))
    folder = INSTANCE.home.sandboxes / "bench"
    folder.mkdir(exist_ok=True)
    # The first one makes the service known to the schedd.
    Pool().submit({name: value for name, value in description().items() if name != "log"})
    for number in range(groups):
        more = {"log": f"{number}.log", "My.ProminenceDemand": f'"{number:016x}"'}
        schedd.submit(htcondor2.Submit(description() | more), count=jobs // groups)
    session = Session("prominence@", 120, {"CONDOR_CONFIG": str(INSTANCE.home.provisioner_config)})
    try:
        looks = [session.observe().result() for _ in range(ROUNDS)]
        seen = looks[-1].groups or ()
        print(f"{sum(group.count for group in seen)} idle jobs in {len(seen)} groups")
        print("looks: " + ", ".join(f"{look.took:.2f} s" for look in looks))
        began = time.perf_counter()
        said = session.say([Waiting(one.key, one.count, Reason.QUOTA, "waiting: A is full", "A") for one in seen], 120)
        print(f"{said.result().told} jobs told in {time.perf_counter() - began:.2f} s")
        memory = Path(f"/proc/{session.child_pid}/status").read_text().partition("VmHWM:")[2].split()[0]
        print(f"{int(memory) // 1024} MB")
    finally:
        session.close()
        schedd.act(htcondor2.JobAction.Remove, "true", reason=("benchmark", 0))


if __name__ == "__main__":
    arguments = [int(word) for word in sys.argv[1:]]
    main(*(arguments + [JOBS, GROUPS][len(arguments) :]))
