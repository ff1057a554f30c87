"""Which files a checkpoint has, how they are read while the job may change them, and whether a job will want one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.worker.commands_support import proxy
from worker.checkpoints import fate, files
from worker.checkpoints.errors import CheckpointChangingError, CheckpointNotSavedError
from worker.chirp import CONFIG_FILE
from worker.scratch import Scratch


def test_files_are_found_by_name_pattern_and_directory_and_links_are_not_followed_out(scratch: Scratch) -> None:
    home = scratch.home
    for name in ("a.dat", "b.dat", "c.txt", "deep/er/x", "deep/.hidden"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    (home / "deep/link").symlink_to("../a.dat")
    (home / "latest").symlink_to("b.dat")
    found = files.find(home, ["*.dat", "deep", "latest", "nothing", "none*"])
    assert sorted(found) == ["a.dat", "b.dat", "deep/.hidden", "deep/er/x", "latest"]
    assert found["latest"] == ("b.dat",)
    (home / "out").symlink_to("/etc/passwd")
    with pytest.raises(CheckpointNotSavedError, match="'out': it is a symbolic link that leads out"):
        files.find(home, ["out"])


def test_a_link_that_takes_the_place_of_a_file_meanwhile_is_not_followed(scratch: Scratch, tmp_path: Path) -> None:
    home = scratch.home
    (home / "state").mkdir()
    (home / "state/count").write_text("1")
    found = files.find(home, ["state/count"])
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/count").write_text("S3CRET")
    (home / "state/count").unlink()
    (home / "state").rmdir()
    (home / "state").symlink_to(tmp_path / "secrets")
    with (tmp_path / "archive").open("wb") as archive, pytest.raises(CheckpointChangingError):
        files.pack(home, found, archive, lambda: None)


def test_a_file_that_is_written_to_while_it_is_read_is_no_checkpoint(scratch: Scratch, tmp_path: Path) -> None:
    growing = scratch.home / "growing"
    growing.write_bytes(bytes(10_000_000))
    found = files.find(scratch.home, ["growing"])
    asked = iter(range(10**6))

    def check() -> None:
        if next(asked) == 3:
            with growing.open("r+b") as file:
                file.write(b"changed")

    with (tmp_path / "archive").open("wb") as archive, pytest.raises(CheckpointChangingError, match="'growing'"):
        files.pack(scratch.home, found, archive, check)


@pytest.mark.parametrize(
    ("deleted", "code", "again"),
    [
        (False, "UNDEFINED", True),
        (False, "1", True),
        (True, "UNDEFINED", False),
        (False, "34", False),
        (False, "46", False),
    ],
)
def test_a_job_that_is_deleted_or_used_too_much_does_not_run_again(
    tmp_path: Path, deleted: bool, code: str, again: bool
) -> None:
    folder, scratch = tmp_path / "sandbox", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    if deleted:
        (folder / fate.DELETED_FILE).touch()
    with proxy(folder) as server:
        server.attributes["HoldReasonCode"] = code
        (scratch / CONFIG_FILE).write_text(server.config)
        assert fate.runs_again(scratch, lambda _text: None) == again
    assert fate.runs_again(scratch, lambda _text: None), "a proxy that is gone tells nothing"
    assert fate.runs_again(tmp_path / "nowhere", lambda _text: None)


def test_too_many_files_are_refused(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 3)
    (scratch.home / "many").mkdir()
    for number in range(4):
        (scratch.home / f"many/{number}").touch()
    with pytest.raises(CheckpointNotSavedError, match="more than 3 files"):
        files.find(scratch.home, ["many"])
