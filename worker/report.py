"""``report.json``: what the executor tells the service about the job, also when it fails.

It is written once at the start, so that an executor that is killed leaves something, and once at the end.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional

from worker.machine import Machine
from worker.runs import Runs

if TYPE_CHECKING:
    from worker.checkpoints.record import Record
    from worker.ended import Ended
    from worker.inputs import Placed
    from worker.staging.artifacts import Fetched
    from worker.staging.outputs import Stored

VERSION = 1

RUNNING = "running"
COMPLETED = "completed"
FAILED = "failed"
KILLED = "killed"


class Reason(NamedTuple):
    """Why a job ended as it did: a code for programs, a sentence for its owner."""

    code: str
    message: str


class TaskRecord:
    """What happened to one task so far; it is filled in as the task goes on.

    Times are epoch seconds, durations seconds summed over the attempts; ``exit_code`` is the last attempt's and None
    while there is none. ``image_pull_time`` is -1 for an image that was there already. A task that was not begun has no
    ``start_time``: its record keeps the place of one before a sidecar.
    """

    def __init__(self, start_time: Optional[float] = None) -> None:
        self.exit_code: Optional[int] = None
        self.retries = 0
        self.image_pull_time = -1.0
        self.image_pull_status = "failed"
        self.image_sha256 = ""
        self.wall_time = 0.0
        self.cpu_time = 0.0
        self.max_rss_kb = 0
        self.read_bytes = 0
        self.written_bytes = 0
        self.start_time = start_time
        self.end_time: Optional[float] = None

    def note(self, ended: Ended) -> None:
        """Add an attempt that has ended."""
        self.exit_code = ended.exit_code
        self.cpu_time += ended.cpu_seconds
        self.max_rss_kb = max(self.max_rss_kb, ended.max_rss_kb)
        self.read_bytes += ended.read_bytes
        self.written_bytes += ended.written_bytes

    def document(self) -> Dict[str, Any]:
        """The record as it stands in the report."""
        return {
            "exitCode": self.exit_code,
            "retries": self.retries,
            "imagePullTime": round(self.image_pull_time, 3),
            "imagePullStatus": None if self.start_time is None else self.image_pull_status,
            "imageSha256": self.image_sha256,
            "wallTimeUsage": round(self.wall_time, 3),
            "cpuTimeUsage": round(self.cpu_time, 3),
            "maxResidentSetSizeKB": self.max_rss_kb,
            "readBytes": self.read_bytes,
            "writtenBytes": self.written_bytes,
            "startTime": self.start_time,
            "endTime": self.end_time,
        }


class Report:
    """The report of a job with one node, growing while the job runs."""

    def __init__(self, start_time: float) -> None:
        self.state = RUNNING
        self.reason: Optional[Reason] = None
        self.machine: Optional[Machine] = None
        self.runtime_versions: Dict[str, str] = {}
        self.runs = Runs()
        self.max_memory_kb = 0
        self.stage_in_time = 0.0
        self.stage_out_time = 0.0
        self.inputs: List[Placed] = []
        self.artifacts: List[Fetched] = []
        self.outputs: List[Stored] = []
        self.start_time = start_time
        self.end_time: Optional[float] = None
        self.tasks: List[TaskRecord] = []
        self.checkpoint: Optional[Record] = None
        self._writing = threading.Lock()

    def note_memory(self, used_kb: int) -> None:
        """The job's containers together used so much at a moment."""
        self.max_memory_kb = max(self.max_memory_kb, used_kb)

    def document(self) -> Dict[str, Any]:
        """The report as the service reads it."""
        return {
            "version": VERSION,
            "state": self.state,
            "reason": self.reason._asdict() if self.reason else None,
            "nodes": [self._node()],
        }

    def write(self, path: Path) -> None:
        """Put the report in place, whole; safe to call from several threads. Raises OSError."""
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        with self._writing:
            partial.write_text(json.dumps(self.document(), indent=1) + "\n", encoding="utf-8")
            partial.replace(path)

    def _node(self) -> Dict[str, Any]:
        machine = self.machine
        provisioned = {"cpus": machine.cpus, "memory": machine.memory, "disk": machine.disk} if machine else {}
        return {
            "node": 0,
            "site": machine.site if machine else "",
            "hostname": machine.hostname if machine else "",
            "cpu": machine.cpu if machine else {},
            "runtimeVersion": self.runtime_versions,
            "provisionedResources": provisioned,
            "run": self.runs.document(),
            "maxMemoryUsageKB": max([self.max_memory_kb, *(task.max_rss_kb for task in self.tasks)]),
            "stageInTime": round(self.stage_in_time, 3),
            "stageOutTime": round(self.stage_out_time, 3),
            "inputs": [one.document() for one in self.inputs],
            "artifacts": [one.document() for one in self.artifacts],
            "outputs": [one.document() for one in self.outputs],
            "startTime": self.start_time,
            "endTime": self.end_time,
            "tasks": [task.document() for task in self.tasks],
            "checkpoint": self.checkpoint.document() if self.checkpoint else None,
        }
