"""On a full disk a run still says what became of it: on a small file system of its own, in namespaces of its own."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from worker.build import build
from worker.exitcodes import ExitCode

AD = 'Cpus = 1\nMemory = 1024\nDisk = 1048576\nProminenceSite = "local"\nProminenceImageDirs = "/nowhere"\n'
ON_A_SMALL_DISK = """
set -e
mount -t tmpfs -o size=4m tmpfs "$SCRATCH"
cp "$GIVEN"/* "$SCRATCH"
cd "$SCRATCH"
{before}
code=0
{command} || code=$?
rm -f filler
cp report.json executor.log "$GIVEN" 2>/dev/null || :
exit $code
"""
FILL = "dd if=/dev/zero of=filler bs=4k 2>/dev/null || :"
RUN = '"$PYTHON" "$EXECUTOR"'
TASK_FILLS_THE_DISK = """
import sys
from pathlib import Path
from worker.ending import leave, tell
from worker.report import Report, TaskRecord
from worker.scratch import Scratch
scratch, report = Scratch(Path.cwd()), Report(1.0)
scratch.create()
report.write(scratch.report_file)
try:
    with open("filler", "wb") as filler:
        while True:
            filler.write(bytes(4096))
            filler.flush()
except OSError:
    pass
report.tasks = [TaskRecord(float(number)) for number in range(100)]
tell(report, scratch)
report.state = "completed"
sys.exit(leave(report, scratch, 1, print))
"""


class Disk:
    """A disk of 4 MB, with what a job brings to it."""

    def __init__(self, root: Path) -> None:
        self.given, self.scratch = root / "given", root / "scratch"
        self.given.mkdir()
        self.scratch.mkdir()
        self.executor = root / "executor.pyz"
        build(self.executor)
        (root / "machine.ad").write_text(AD)
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHON": sys.executable,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "GIVEN": str(self.given),
            "SCRATCH": str(self.scratch),
            "EXECUTOR": str(self.executor),
            "_CONDOR_SCRATCH_DIR": str(self.scratch),
            "_CONDOR_MACHINE_AD": str(root / "machine.ad"),
        }

    def bring(self, inputs: list[dict[str, Any]]) -> None:
        """A job with these inputs."""
        tasks = [{"image": "/etc", "cmd": "true"}]
        described = {"version": 1, "resources": {"cpus": 1}, "tasks": tasks, "inputs": inputs}
        (self.given / "job.json").write_text(json.dumps(described))
        (self.given / "token").write_text("T\n")

    def run(self, command: str, before: str = ":") -> tuple[int, dict[str, Any] | None]:
        """The exit code of a command there, and the report that it left."""
        script = ON_A_SMALL_DISK.format(before=before, command=command)
        namespaces = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--user", "--map-root-user"])]
        done = subprocess.run([*namespaces, "sh", "-c", script], env=self.environ, timeout=60, check=False)
        report = self.given / "report.json"
        return done.returncode, json.loads(report.read_text()) if report.exists() else None


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_an_input_that_does_not_fit_is_named(disk: Disk) -> None:
    content = base64.b64encode(bytes(900 * 1024)).decode()
    disk.bring([{"filename": name, "content": content, "executable": False} for name in ("a", "b")])
    code, report = disk.run(RUN)
    assert (code, report and report["state"]) == (ExitCode.STAGING, "failed")
    assert report is not None
    assert report["reason"]["message"] == "The file 'b' could not be written: No space left on device."


def test_a_task_that_fills_the_disk_leaves_room_for_the_report(disk: Disk) -> None:
    disk.bring([])
    (disk.given / "fills.py").write_text(TASK_FILLS_THE_DISK)
    code, report = disk.run('"$PYTHON" fills.py')
    assert code == ExitCode.TASK_FAILED
    assert report is not None
    assert report["state"] == "completed"
    assert len(report["nodes"][0]["tasks"]) == 100


def test_where_no_report_can_be_written_the_worker_has_failed_and_not_the_job(disk: Disk) -> None:
    disk.bring([])
    code, report = disk.run(RUN, before=FILL)
    assert (code, report) == (ExitCode.INTERNAL, None)
