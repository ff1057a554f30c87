"""Moves a running job from its worker, as an operator does; it starts again from its beginning.

A process of its own: the bindings read HTCondor's configuration once, when they are imported.
"""

from __future__ import annotations

import subprocess
import sys

from deploy import service
from deploy.instance import Instance

_SCRIPT = """
import sys, htcondor2
ad = htcondor2.Collector().locate(htcondor2.DaemonType.Schedd, "prominence@")
done = htcondor2.Schedd(ad).act(htcondor2.JobAction[sys.argv[1]], f"ClusterId == {int(sys.argv[2])}")
sys.exit(0 if done["TotalSuccess"] == 1 else 1)
"""


def vacate(instance: Instance, number: int, gracefully: bool = False) -> None:
    """Moves the running job of that id; `gracefully` it is told before it is ended."""
    environ = service.environment(instance.home)
    action = "Vacate" if gracefully else "VacateFast"
    command = [sys.executable, "-W", "ignore", "-c", _SCRIPT, action, str(number)]
    subprocess.run(command, env=environ, check=True, timeout=60)
