"""The recorder: each job that left the queue is recorded once, whatever is killed, full, broken or away meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from api.objects.errors import StorageUnavailable
from api.records.departed import Departed
from api.records.errors import CheckpointsKept
from api.records.finished import FinishedJobs
from api.records.recorder import BATCH, LEFTOVER_AGE, Recorder
from api.records.schema import open_database
from database.errors import DatabaseUnavailable
from database.transactions import Database
from tests.unit.api.records.finished_ads import as_file, finished_ad, leave
from tests.unit.database.postgres_server import PostgresServer


@pytest.fixture
def recorder(departed: Departed, finished: FinishedJobs) -> Recorder:
    return Recorder(departed, finished)


def left(departed: Departed) -> list[str]:
    return sorted(entry.name for entry in departed.files.folder.iterdir())


def refused(departed: Departed) -> list[str]:
    return sorted(entry.name for entry in (departed.files.folder / "refused").iterdir())


def test_what_left_the_queue_is_recorded_with_its_report_and_the_file_deleted(
    recorder: Recorder, departed: Departed, finished: FinishedJobs
) -> None:
    ad = finished_ad()
    sandbox = departed.sandboxes / ad["ProminenceSubmission"]
    sandbox.mkdir()
    (sandbox / "report.json").write_text(json.dumps({"nodes": [{"site": "A"}]}))
    leave(departed.files.folder, ad)
    assert recorder.sweep() == 1
    found = finished.by_id(ad["ClusterId"])
    assert found is not None
    assert found.report == {"nodes": [{"site": "A"}]}
    assert found.ad["ProminenceJob"] == ad["ProminenceJob"]
    assert left(departed) == []
    assert recorder.sweep() == 0


def test_a_job_whose_file_is_written_again_is_recorded_once(
    recorder: Recorder, departed: Departed, finished: FinishedJobs
) -> None:
    ad = finished_ad()
    for _ in range(2):
        leave(departed.files.folder, ad)
        recorder.sweep()
    assert finished.count() == 1


def test_many_jobs_are_recorded_in_batches(recorder: Recorder, departed: Departed, finished: FinishedJobs) -> None:
    for _ in range(2 * BATCH + 3):
        leave(departed.files.folder, finished_ad())
    assert recorder.sweep() == 2 * BATCH + 3
    assert finished.count() == 2 * BATCH + 3
    assert left(departed) == []


def test_two_recorders_at_once_record_each_job_once(
    recorder: Recorder, departed: Departed, finished: FinishedJobs
) -> None:
    for _ in range(300):
        leave(departed.files.folder, finished_ad())
    threads = [threading.Thread(target=recorder.sweep) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert finished.count() == 300
    assert left(departed) == []


def test_jobs_that_are_not_of_the_service_are_deleted(
    recorder: Recorder, departed: Departed, finished: FinishedJobs
) -> None:
    foreign = {name: value for name, value in finished_ad().items() if not name.startswith("Prominence")}
    leave(departed.files.folder, foreign)
    assert recorder.sweep() == 0
    assert left(departed) == []
    assert finished.count() == 0


def cut(text: str) -> str:
    return text[: len(text) // 2]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        "garbage\n",
        cut(as_file(finished_ad())),
        cut(as_file(finished_ad())).rsplit("\n", 1)[0] + "\n",
        as_file({name: value for name, value in finished_ad().items() if name != "ProminenceIssuer"}),
        as_file(finished_ad(QDate="x" * (9 * 2**20))),
        as_file(finished_ad(QDate="yesterday")),
        as_file(finished_ad(ProminenceSubmission="../../secrets")),
        as_file(finished_ad(JobStatus=5, HoldReasonCode=13, NumHolds="many")),
    ],
    ids=[
        "empty",
        "blank",
        "garbage",
        "cut in a line",
        "cut after a line",
        "no issuer",
        "too large",
        "no date",
        "no name",
        "no number",
    ],
)
def test_a_file_that_cannot_be_used_is_moved_aside_and_the_others_are_recorded(
    recorder: Recorder, departed: Departed, finished: FinishedJobs, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (departed.files.folder / "history.999999.0").write_text(content)
    leave(departed.files.folder, finished_ad())
    assert recorder.sweep() == 1
    assert left(departed) == ["refused"]
    assert refused(departed) == ["history.999999.0"]
    assert "history.999999.0" in caplog.text
    assert finished.count() == 1


def test_a_job_that_the_database_refuses_does_not_keep_the_others_out(
    departed: Departed, database: Database, finished: FinishedJobs
) -> None:
    for number in range(5):
        changes = {"RequestCpus": 2**40} if number == 2 else {}
        leave(departed.files.folder, finished_ad(**changes))
    Recorder(departed, finished).sweep()
    if database.dialect == "postgresql":  # SQLite takes any number
        assert finished.count() == 4
        assert len(refused(departed)) == 1
    else:
        assert finished.count() == 5


def test_other_files_of_the_folder_are_left_alone(recorder: Recorder, departed: Departed) -> None:
    for name in ("history", "history.1", "history.1.0.bak", "x.history.1.0", "notes"):
        (departed.files.folder / name).write_text("x")
    before = left(departed)
    assert recorder.sweep() == 0
    assert left(departed) == before


def test_what_a_killed_schedd_left_behind_is_deleted_but_not_what_one_is_writing(
    departed: Departed, finished: FinishedJobs
) -> None:
    old, new = (departed.files.folder / f".history.{number}.0.tmp" for number in (1, 2))
    now = time.time()
    for file, age in ((old, LEFTOVER_AGE + 1), (new, 0)):
        file.write_text("half")
        os.utime(file, (now - age, now - age))
    Recorder(departed, finished, clock=lambda: now).sweep()
    assert left(departed) == [".history.2.0.tmp"]


KILLED = """
import os, signal, sys
from pathlib import Path
from api.records.schema import open_database
from database.transactions import Database
from api.records.departed import Departed
from api.records.finished import FinishedJobs
from api.records.recorder import Recorder
from pool.history_files import HistoryFiles

HistoryFiles.remove = lambda self, names: os.kill(os.getpid(), signal.SIGKILL) if names else None
address, folder = sys.argv[1], Path(sys.argv[2])
Recorder(Departed(HistoryFiles(folder / "departed"), folder / "sandboxes"), FinishedJobs(open_database(address))).sweep()
"""


def test_a_recorder_killed_between_storing_and_deleting_records_each_job_once(
    recorder: Recorder, departed: Departed, finished: FinishedJobs, address: str, tmp_path: Path
) -> None:
    for _ in range(20):
        leave(departed.files.folder, finished_ad(ProminenceLabels=["a=b"]))
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    command = [sys.executable, "-c", KILLED, address, str(tmp_path)]
    done = subprocess.run(command, env=environ, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert finished.count() == 20
    assert len(left(departed)) == 20
    recorder.sweep()
    assert finished.count() == 20
    assert left(departed) == []


def test_while_the_database_is_away_nothing_is_lost_and_afterwards_all_is_recorded(
    departed: Departed, postgres: PostgresServer
) -> None:
    database, stop = open_database(postgres.emptied()), threading.Event()
    database.migrate()
    finished = FinishedJobs(database)
    recorder = Recorder(departed, finished)
    postgres.kill()
    leave(departed.files.folder, finished_ad())
    with pytest.raises(DatabaseUnavailable):
        recorder.sweep()
    thread = threading.Thread(target=recorder.run, args=(stop,))
    thread.start()
    try:
        leave(departed.files.folder, finished_ad())
        assert len(left(departed)) == 2
        postgres.start()
        wait_until_empty(departed)
    finally:
        stop.set()
        postgres.start()
        thread.join(60)
    assert finished.count() == 2
    database.close()


def wait_until_empty(departed: Departed) -> None:
    deadline = time.monotonic() + 60
    while left(departed):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_process_records_until_it_is_told_to_end(
    departed: Departed, finished: FinishedJobs, address: str, tmp_path: Path
) -> None:
    settings = tmp_path / "records.toml"
    folders = {"departed": departed.files.folder, "sandboxes": departed.sandboxes, "database": address}
    settings.write_text("".join(f'{name} = "{value}"\n' for name, value in folders.items()))
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4]), "PROMINENCE_RECORDS": str(settings)}
    process = subprocess.Popen([sys.executable, "-m", "api.records", "record"], env=environ, cwd=tmp_path)
    try:
        leave(departed.files.folder, finished_ad())
        wait_until_empty(departed)
        leave(departed.files.folder, finished_ad())
        wait_until_empty(departed)
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait(20)
    assert finished.count() == 2


def test_the_checkpoint_of_a_job_goes_when_the_job_is_recorded(departed: Departed, finished: FinishedJobs) -> None:
    discarded: list[str] = []
    with_one = finished_ad(ProminenceJob=json.dumps({"tasks": [], "checkpoint": {"files": ["x"]}}))

    def discard(submission: str) -> None:
        assert finished.by_id(with_one["ClusterId"]) is not None, "it is recorded first"
        discarded.append(submission)

    leave(departed.files.folder, with_one)
    leave(departed.files.folder, finished_ad())
    assert Recorder(departed, finished, discard).sweep() == 2
    assert discarded == [with_one["ProminenceSubmission"]]
    assert left(departed) == []


def test_a_store_that_is_away_keeps_the_files_of_jobs_with_checkpoints_alone(
    departed: Departed, finished: FinishedJobs
) -> None:
    away = True

    def discard(_submission: str) -> None:
        if away:
            raise StorageUnavailable("delete", "it is away")

    kept = leave(departed.files.folder, finished_ad(ProminenceJob=json.dumps({"tasks": [], "checkpoint": {}})))
    leave(departed.files.folder, finished_ad())
    recorder = Recorder(departed, finished, discard)
    for _ in range(2):
        with pytest.raises(CheckpointsKept):
            recorder.sweep()
        assert left(departed) == [kept]
        assert finished.count() == 2
    away = False
    recorder.sweep()
    assert left(departed) == []
    assert finished.count() == 2
