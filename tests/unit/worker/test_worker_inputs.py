import base64
import hashlib
import os
import stat
from pathlib import Path

import pytest

from worker.errors import StagingError
from worker.inputs import Placed, stage
from worker.job import Input
from worker.scratch import create_below


def item(name: str, content: bytes = b"x", executable: bool = False) -> Input:
    return Input(name, base64.b64encode(content).decode(), executable)


def test_inputs_keep_their_bytes_their_folders_and_whether_they_run(tmp_path: Path) -> None:
    records: list[Placed] = []
    stage([item("a/b/run", b"\x00\xff", executable=True), item("a/data")], tmp_path, records)
    assert records[0] == ("a/b/run", 2, hashlib.sha256(b"\x00\xff").hexdigest())
    assert [one.name for one in records] == ["a/b/run", "a/data"]
    assert (tmp_path / "a/b/run").read_bytes() == b"\x00\xff"
    assert stat.S_IMODE((tmp_path / "a/b/run").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "a/data").stat().st_mode) == 0o644


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "..", "", ".", "a/", "a\0b"])
def test_a_name_that_leaves_the_home_directory_is_refused(tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(StagingError):
        stage([item(name)], home, [])
    assert [path.name for path in tmp_path.rglob("*")] == ["home"]


def test_content_that_is_not_base64_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StagingError, match="base64"):
        stage([Input("x", "abc", False)], tmp_path, [])


def test_a_file_where_a_folder_should_be_is_a_staging_failure(tmp_path: Path) -> None:
    with pytest.raises(StagingError, match="'a/b'"):
        stage([item("a"), item("a/b")], tmp_path, [])


@pytest.mark.parametrize("name", ["link", "folder/job.json"])
def test_links_that_a_task_left_are_not_followed(tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "job.json").write_text("untouched")
    (home / "link").symlink_to("../job.json")
    (home / "folder").symlink_to("..")
    with pytest.raises(StagingError):
        create_below(home, name)
    assert (tmp_path / "job.json").read_text() == "untouched"


def test_a_pipe_that_a_task_left_does_not_stop_the_executor(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "out")
    with pytest.raises(StagingError):
        create_below(tmp_path, "out")
