"""What a task sees in its environment (the contract's "What a job sees"), and what Apptainer is started with.

Nothing of the worker's own environment is passed on. Values travel as ``APPTAINERENV_`` variables and never as
arguments: other users of a machine can read arguments, and Apptainer splits them at commas.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Mapping

from worker.ids import Ids
from worker.job import SINGULARITY, Job
from worker.machine import Machine

RUNTIME = "PROMINENCE_CONTAINER_RUNTIME"
"""Of these, the one that differs between the tasks of a job."""
TOOL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TEMPORARY = {"TMP": "/tmp", "TEMP": "/tmp", "TMPDIR": "/tmp"}  # noqa: S108  (of the container, on the node's disk)


def contract(job: Job, machine: Machine, who: Ids, token: str) -> Dict[str, str]:
    """The ``PROMINENCE_`` variables of a job; memory in GB."""
    cpus = cpus_of(job.resources, machine.cpus)
    memory = _memory_of(job.resources, cpus) or machine.memory
    variables = {
        "PROMINENCE_CPUS": str(cpus),
        "PROMINENCE_MEMORY": f"{memory:g}",
        "PROMINENCE_NODES": str(job.resources.get("nodes") or 1),
        "PROMINENCE_NODE_NUM": "0",
        RUNTIME: SINGULARITY,
        "PROMINENCE_JOB_ID": who.job,
        "PROMINENCE_URL": job.url,
        "PROMINENCE_TOKEN": token,
    }
    if who.workflow is not None:
        variables["PROMINENCE_WORKFLOW_ID"] = who.workflow
    variables.update({f"PROMINENCE_PARAMETER_{name}": value for name, value in job.parameters.items()})
    return variables


def cpus_of(resources: Mapping[str, Any], found: int) -> int:
    """The CPUs that the job may use where its slot has ``found``: the most of those that it can do with.

    A slot may have more, which it was made with for another job of the same user.
    """
    least = resources.get("cpus") or found
    sizes = resources.get("cpusOptions") or (min(found, resources.get("cpusMax") or least),)
    return max(least, *(size for size in sizes if size <= found), 0)


def _memory_of(resources: Mapping[str, Any], cpus: int) -> float:
    per_cpu = resources.get("memoryPerCpu")
    return per_cpu * cpus if per_cpu else resources.get("memory") or 0


def inside(task_env: Mapping[str, str], contract_variables: Mapping[str, str]) -> Dict[str, str]:
    """The variables of one task: its own win over the temporary directories, the contract's win over its own."""
    return {**TEMPORARY, **task_env, **contract_variables}


def tool(tools: Path) -> Dict[str, str]:
    """What Apptainer itself is started with; all it writes for itself goes below ``tools``."""
    return {
        "PATH": TOOL_PATH,
        "HOME": str(tools),
        "LANG": "C.UTF-8",
        "APPTAINER_CONFIGDIR": str(tools / "config"),
        "APPTAINER_CACHEDIR": str(tools / "cache"),
        "APPTAINER_TMPDIR": str(tools / "tmp"),
    }


def for_container(tools: Path, variables: Mapping[str, str]) -> Dict[str, str]:
    """The environment of an ``apptainer exec`` whose container sees ``variables``."""
    return {**tool(tools), **{f"APPTAINERENV_{name}": value for name, value in variables.items()}}
