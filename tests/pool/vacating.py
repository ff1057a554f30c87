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
done = htcondor2.Schedd(ad).act(htcondor2.JobAction.VacateFast, f"ClusterId == {int(sys.argv[1])}")
sys.exit(0 if done["TotalSuccess"] == 1 else 1)
"""


def vacate(instance: Instance, number: int) -> None:
    """Moves the running job of that id."""
    environ = service.environment(instance.home)
    subprocess.run([sys.executable, "-W", "ignore", "-c", _SCRIPT, str(number)], env=environ, check=True, timeout=60)
