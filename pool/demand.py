"""What decides where a job can run, and the digest by which idle jobs are told alike (`Job.DEMAND`).

The digest is made of the texts of a submit description, before the schedd has seen it: the same in a later version of HTCondor,
and the same for every job that a workflow's node queues. Jobs with the same digest have the same values in all of ATTRIBUTES,
so that one of them can speak for all; what is not in COMMANDS must not be looked at to decide where a job goes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from pool.attributes import Job

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "universe": ("JobUniverse",),
    "machine_count": ("MinHosts", "MaxHosts"),
    "request_cpus": ("RequestCpus",),
    "request_memory": ("RequestMemory",),
    "request_disk": ("RequestDisk",),
    "accounting_group": ("AcctGroup",),
    "priority": ("JobPrio",),
    "requirements": (),
    "My.Owner": ("Owner",),
    "My.MinHosts": ("MinHosts",),
    "My.MaxHosts": ("MaxHosts",),
    f"My.{Job.CPUS_MAX}": (Job.CPUS_MAX,),
    f"My.{Job.CPUS_OPTIONS}": (Job.CPUS_OPTIONS,),
    f"My.{Job.MEMORY_PER_CPU}": (Job.MEMORY_PER_CPU,),
    f"My.{Job.SCALING}": (Job.SCALING,),
    f"My.{Job.PREEMPTIBLE}": (Job.PREEMPTIBLE,),
    f"My.{Job.REQUIRED_SITES}": (Job.REQUIRED_SITES,),
    f"My.{Job.REQUIRED_REGIONS}": (Job.REQUIRED_REGIONS,),
    f"My.{Job.PREFERRED_SITES}": (Job.PREFERRED_SITES,),
    f"My.{Job.PREFERRED_REGIONS}": (Job.PREFERRED_REGIONS,),
    f"My.{Job.WALLTIME}": (Job.WALLTIME,),
    f"My.{Job.MAXIMUM_TIME_IN_QUEUE}": (Job.MAXIMUM_TIME_IN_QUEUE,),
}
"""The submit commands that decide, each with the attributes of the job's ad that it becomes."""

ATTRIBUTES: tuple[str, ...] = tuple(dict.fromkeys(name for names in COMMANDS.values() for name in names))
"""The attributes of a job's ad that decide where it can run, as a projection."""

_DIGITS = 16
_DECIDING = frozenset(command.lower() for command in COMMANDS)


def key(description: Mapping[str, str]) -> str:
    """The digest of a submit description: 16 hexadecimal digits.

    Commands in any case, attributes as `My.NAME` or `+NAME`; a value counts as the text that it is, without the white space
    around it. Everything that is not among COMMANDS is left out: names, files, arguments, tokens.
    """
    texts = {_command(name): text.strip() for name, text in description.items()}
    deciding = sorted((name, text) for name, text in texts.items() if name in _DECIDING)
    return hashlib.sha256(json.dumps(deciding).encode()).hexdigest()[:_DIGITS]


def _command(name: str) -> str:
    return ("my." + name[1:] if name.startswith("+") else name).lower()
