"""The packed executor as HTCondor starts it, as far as that goes without a container runtime."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from worker.build import build
from worker.errors import WorkerError
from worker.executor import verdict
from worker.exitcodes import ExitCode
from worker.images.errors import ImageError
from worker.job import Policies
from worker.report import Report
from worker.tasks import Failure

AD = 'Cpus = 2\nMemory = 1024\nDisk = 1048576\nProminenceSite = "local"\nProminenceImageDirs = "/nowhere"\n'


class Slot:
    """A scratch directory with the executor in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "machine.ad").write_text(AD)
        (root / "token").write_text("T\n")
        build(root / "executor.pyz")

    def run(self, job: Any) -> tuple[int, dict[str, Any]]:
        """The executor's exit code and report, for a job's description."""
        (self.root / "job.json").write_text(json.dumps(job))
        env = {"_CONDOR_SCRATCH_DIR": str(self.root), "_CONDOR_MACHINE_AD": str(self.root / "machine.ad")}
        self.done = subprocess.run(
            [sys.executable, str(self.root / "executor.pyz")],
            env={**env, "PATH": os.defpath},
            cwd=self.root,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return self.done.returncode, json.loads((self.root / "report.json").read_text())


def job(**changes: Any) -> dict[str, Any]:
    return {"version": 1, "name": "", "resources": {"cpus": 1}, "tasks": [{"image": "/etc", "cmd": "true"}], **changes}


@pytest.fixture
def slot(tmp_path: Path) -> Slot:
    return Slot(tmp_path)


def test_an_image_that_is_not_to_be_had_gives_65_and_names_the_reason(slot: Slot) -> None:
    code, report = slot.run(job())
    assert code == ExitCode.IMAGE
    assert (report["state"], report["reason"]["code"]) == ("failed", "imagePathRefused")
    assert report["nodes"][0]["site"] == "local"
    task = report["nodes"][0]["tasks"][0]
    assert (task["exitCode"], task["imagePullStatus"]) == (None, "failed")


def test_inputs_are_staged_before_the_first_task(slot: Slot) -> None:
    content = base64.b64encode(b"data").decode()
    slot.run(job(inputs=[{"filename": "in/x", "content": content, "executable": False}]))
    assert (slot.root / "home/in/x").read_bytes() == b"data"


def test_an_input_that_leaves_the_home_directory_gives_66(slot: Slot) -> None:
    code, report = slot.run(job(inputs=[{"filename": "../x", "content": "", "executable": False}]))
    assert (code, report["reason"]["code"]) == (ExitCode.STAGING, "stagingFailed")


def test_a_description_that_is_none_gives_66(slot: Slot) -> None:
    code, report = slot.run([])
    assert (code, report["reason"]["code"]) == (ExitCode.STAGING, "jobFileInvalid")


def test_a_missing_token_gives_66(slot: Slot) -> None:
    (slot.root / "token").unlink()
    code, report = slot.run(job())
    assert (code, report["reason"]["code"]) == (ExitCode.STAGING, "jobFileInvalid")


def test_a_task_for_another_runtime_gives_67(slot: Slot) -> None:
    code, report = slot.run(job(tasks=[{"image": "i", "runtime": "docker"}]))
    assert (code, report["reason"]["code"]) == (ExitCode.RUNTIME, "taskUnsupported")


def test_an_error_of_the_executor_gives_70_and_still_a_report(slot: Slot) -> None:
    (slot.root / "machine.ad").unlink()
    code, report = slot.run(job())
    assert (code, report["state"], report["reason"]["code"]) == (ExitCode.INTERNAL, "failed", "internalError")
    assert "FileNotFoundError" in (slot.root / "executor.log").read_text()


def test_the_jobs_streams_are_left_to_its_tasks(slot: Slot) -> None:
    slot.run(job())
    assert (slot.done.stdout, slot.done.stderr) == (b"", b"")
    assert "imagePathRefused" in (slot.root / "executor.log").read_text()


@pytest.mark.parametrize(
    ("policies", "failure", "code", "message"),
    [
        (Policies(), None, ExitCode.OK, None),
        (
            Policies(),
            Failure(1, 3, 1),
            ExitCode.TASK_FAILED,
            "Task 2 of 3 exited with code 3. The 1 after it did not run.",
        ),
        (Policies(ignore_task_failures=True), Failure(0, 3, 0), ExitCode.OK, "Task 1 of 3 exited with code 3."),
        (
            Policies(report_success_on_task_failure=True),
            Failure(2, 3, 0),
            ExitCode.OK,
            "Task 3 of 3 exited with code 3.",
        ),
    ],
)
def test_a_job_whose_tasks_ran_is_completed_whatever_their_exit_codes(
    policies: Policies, failure: Failure | None, code: ExitCode, message: str | None
) -> None:
    report = Report(0.0)
    assert verdict(report, policies, failure, 3) == code
    assert report.state == "completed"
    assert (report.reason.message if report.reason else None) == message


def test_exit_codes_are_those_the_service_knows() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "TASK_FAILED": 1,
        "IMAGE": 65,
        "STAGING": 66,
        "RUNTIME": 67,
        "MEMORY": 68,
        "DELETED": 69,
        "INTERNAL": 70,
        "EVICTED": 143,
    }


def test_every_reason_has_a_code_of_its_own() -> None:
    kinds = [*WorkerError.__subclasses__(), *ImageError.__subclasses__()]
    public = [kind for kind in kinds if not kind.__name__.startswith("_")]
    assert len({kind.code for kind in public}) == len(public)
