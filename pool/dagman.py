"""A workflow as HTCondor knows it: one DAGMan job, and what its ad and its log of states tell of its nodes.

DAGMan runs at the access point, under the service's account (condor_config/submit.conf); the jobs that it submits are their
user's. How it is started follows what condor_submit_dag does.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DAG_FILE = "workflow.dag"
STATES_FILE = "states.log"
"""DAGMan's log of the states of nodes (JOBSTATE_LOG): a line each, `TIME NODE STATE …`."""
NODES_LOG = "nodes.log"
"""Event log of all of a workflow's jobs, which DAGMan reads; condor_config/shadow knows the name."""
_OWN_LOG = "dagman.out"

PROGRESS = (
    "DAG_NodesTotal",
    "DAG_NodesDone",
    "DAG_NodesFailed",
    "DAG_NodesFutile",
    "DAG_NodesQueued",
    "DAG_NodesPrerun",
)
"""What DAGMan tells in its ad about its nodes."""
JOBS = ("DAG_JobsIdle", "DAG_JobsRunning")
"""What it tells there about those of its jobs that are in the queue."""

_NAME = re.compile(rb" ([0-9a-f]{32})")
_FAILURE = re.compile(rb" (?:JOB|SUBMIT)_FAILURE ")
_SUCCESS = re.compile(rb" JOB_SUCCESS ")
_JOINED = re.compile(rb" (J[0-9]+) JOB_SUCCESS ")


@dataclass(frozen=True)
class AccessPoint:
    """Where DAGMan and its configuration are on the access point."""

    dagman: str = "/usr/bin/condor_dagman"
    configuration: str = "/etc/condor/condor_config"


def dagman_job(folder: Path, at: AccessPoint, idle: int) -> dict[str, str]:
    """The submit description of the DAGMan job for DAG_FILE in `folder`, which keeps at most `idle` jobs waiting."""
    words = ["-p", "0", "-f", "-l", ".", "-Lockfile", f"{DAG_FILE}.lock", "-AutoRescue", "0", "-DoRescueFrom", "0"]
    words += ["-Dag", DAG_FILE, "-MaxIdle", str(idle), "-Suppress_notification", "-Dagman", at.dagman]
    surroundings = {
        "CONDOR_CONFIG": at.configuration,
        "_CONDOR_DAGMAN_LOG": _OWN_LOG,
        "_CONDOR_MAX_DAGMAN_LOG": "0",
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
    }
    return {
        "universe": "scheduler",
        "executable": at.dagman,
        "transfer_executable": "false",
        "initialdir": str(folder),
        "output": "dagman.stdout",
        "error": "dagman.stderr",
        "arguments": _quoted_words(words),
        "environment": _quoted_words(f"{name}={value}" for name, value in surroundings.items()),
        "getenv": "false",
        # DAGMan takes its jobs with it when it is told to go, and the schedd sees to it where DAGMan cannot.
        "remove_kill_sig": "SIGUSR1",
        "My.OtherJobRemoveRequirements": '"DAGManJobId =?= $(cluster)"',
        # It is started again when it was killed, and reads its log: only its own word ends a workflow.
        "on_exit_remove": "(ExitSignal =?= 11 || (ExitCode =!= UNDEFINED && ExitCode >= 0 && ExitCode <= 2))",
    }


def _quoted_words(words: Any) -> str:
    """Words in HTCondor's new syntax for arguments and environment: each in single quotes, which are doubled within."""
    return '"' + " ".join("'" + word.replace("'", "''").replace('"', '""') + "'" for word in words) + '"'


@dataclass(frozen=True)
class Progress:
    """How many of a workflow's instances are where: `queued` ones are in the queue or run, `waiting` ones are not there yet."""

    total: int
    done: int = 0
    failed: int = 0
    queued: int = 0

    @property
    def waiting(self) -> int:
        """Those that wait for others, or for a place in the queue, or that can never run because others failed."""
        return self.total - self.done - self.failed - self.queued


def progress(ad: Mapping[str, Any], instances: int, joins_done: int = 0) -> Progress:
    """The progress of the workflow with this ad (PROGRESS); nodes that only join others, as `joins_done`, do not count."""
    counts = [ad.get(name) for name in PROGRESS]
    if not isinstance(counts[0], int):
        # DAGMan has not read its file yet.
        return Progress(instances)
    done, failed, queued, preparing = (
        _count(ad, name) for name in (PROGRESS[1], PROGRESS[2], PROGRESS[4], PROGRESS[5])
    )
    return Progress(instances, min(done - min(joins_done, done), instances), failed, queued + preparing)


def only_waits(ad: Mapping[str, Any]) -> bool:
    """Whether jobs of the workflow with this ad (JOBS) wait in the queue, and none of them runs."""
    idle, running = (_count(ad, name) for name in JOBS)
    return idle > 0 and running == 0


def _count(ad: Mapping[str, Any], name: str) -> int:
    value = ad.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def first_failure(states: Path) -> str | None:
    """The node that failed first, or that the queue refused first, and that did not end well later, by DAGMan's log of states;
    None where none has."""
    with _Mapped(states) as text:
        failed = dict.fromkeys(_named(text, _FAILURE))
        well = set(_named(text, _SUCCESS)) if failed else set()
    return next((name for name in failed if name not in well), None)


def succeeded(states: Path) -> set[str]:
    """The nodes that ended well, by DAGMan's log of states."""
    with _Mapped(states) as text:
        return set(_named(text, _SUCCESS))


def joined(states: Path, joins: Sequence[str]) -> int:
    """How many of the nodes that only join others, `J` and a number each, have been passed."""
    with _Mapped(states) as text:
        return len({name.decode() for name in _JOINED.findall(text)}.intersection(joins))


def _named(text: mmap.mmap | bytes, event: re.Pattern[bytes]) -> Iterator[str]:
    """The instances of which the log tells this event, in its order; what stands before is looked at where the event is found,
    which takes half the time that a pattern of the whole line takes."""
    for found in event.finditer(text):
        name = _NAME.fullmatch(text[max(0, found.start() - 33) : found.start()])
        if name is not None:
            yield name[1].decode()


class _Mapped:
    """A file as a mapping of its bytes, empty where it is empty or not there: nothing of a long log is copied."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._map: mmap.mmap | None = None

    def __enter__(self) -> mmap.mmap | bytes:
        try:
            with self._path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        except (FileNotFoundError, ValueError):
            return b""
        return self._map

    def __exit__(self, *_: object) -> None:
        if self._map is not None:
            self._map.close()
