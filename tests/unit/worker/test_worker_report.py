import json
from pathlib import Path

from worker import ads, machine
from worker.report import COMPLETED, Reason, Report, TaskRecord


def finished() -> Report:
    report = Report(100.0)
    ad = ads.parse('Cpus = 2\nMemory = 1536\nDisk = 1048576\nProminenceSite = "local"')
    report.machine = machine.describe(ad, "", "w1")
    report.runtime_versions = {"singularity": "1.4.5"}
    report.state = COMPLETED
    report.reason = Reason("taskFailed", "The task exited with code 3.")
    report.end_time = 110.0
    task = TaskRecord(101.0)
    task.exit_code, task.image_pull_status, task.image_sha256, task.end_time = 3, "cached", "abc", 109.0
    report.tasks.append(task)
    return report


def test_a_report_has_the_fields_the_service_reads(tmp_path: Path) -> None:
    finished().write(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == {
        "version": 1,
        "state": "completed",
        "reason": {"code": "taskFailed", "message": "The task exited with code 3."},
        "nodes": [
            {
                "node": 0,
                "site": "local",
                "hostname": "w1",
                "cpu": {"vendor": "", "model": "", "clock": 0.0},
                "runtimeVersion": {"singularity": "1.4.5"},
                "provisionedResources": {"cpus": 2, "memory": 1.5, "disk": 1.0},
                "run": {"number": 1, "retries": 0, "interruptions": 0},
                "maxMemoryUsageKB": 0,
                "stageInTime": 0.0,
                "stageOutTime": 0.0,
                "inputs": [],
                "artifacts": [],
                "outputs": [],
                "startTime": 100.0,
                "endTime": 110.0,
                "tasks": [
                    {
                        "exitCode": 3,
                        "retries": 0,
                        "imagePullTime": -1,
                        "imagePullStatus": "cached",
                        "imageSha256": "abc",
                        "wallTimeUsage": 0.0,
                        "cpuTimeUsage": 0.0,
                        "maxResidentSetSizeKB": 0,
                        "readBytes": 0,
                        "writtenBytes": 0,
                        "startTime": 101.0,
                        "endTime": 109.0,
                    }
                ],
                "checkpoint": None,
            }
        ],
    }


def test_a_report_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("old")
    finished().write(tmp_path / "report.json")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_report_can_be_written_before_anything_is_known(tmp_path: Path) -> None:
    Report(1.0).write(tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text())
    assert (written["state"], written["reason"], written["nodes"][0]["tasks"]) == ("running", None, [])
