"""What is not stored yet, and how long it is waited for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from worker.storage import writes
from worker.storage.writes import Complaint, Patience, complaints, refused, unsaved

FAILED = (
    "vfs cache: failed to upload try #{}, will retry in 2s: vfs cache: failed to transfer file from cache to remote: {}"
)


def known(cache: Path, name: str, content: str) -> None:
    file = cache / "vfsMeta/storage{x}" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def test_files_are_unsaved_until_the_cache_says_otherwise(tmp_path: Path) -> None:
    known(tmp_path, "stored", json.dumps({"Dirty": False}))
    known(tmp_path, "d/written", json.dumps({"Dirty": True}))
    known(tmp_path, "half", '{"Dirty": fal')
    known(tmp_path, "silent", "{}")
    known(tmp_path, "list", "[]")
    assert unsaved(tmp_path) == ["d/written", "half", "list", "silent"]


def test_a_cache_that_was_not_used_has_nothing_unsaved(tmp_path: Path) -> None:
    assert unsaved(tmp_path) == []


def test_the_log_says_what_about_which_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        json.dumps({"level": "error", "msg": FAILED.format(1, "507 Insufficient Storage."), "object": "a/b"})
        + "\n2026/11/23 15:37:36 ERROR : plain words\n\n17\n"
    )
    first, second, third = complaints(log)
    assert (first.about, first.failed_try, first.reason) == ("a/b", True, "507 Insufficient Storage")
    assert (second.about, second.failed_try, second.reason) == ("", False, "plain words")
    assert third.reason == "17"
    assert complaints(log, log.stat().st_size) == []
    assert complaints(tmp_path / "absent") == []


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x" * 2**20 + "\nlast\n")
    assert complaints(log)[-1].text == "last"
    assert sum(len(one.text) for one in complaints(log)) < 2**19


@pytest.mark.parametrize(
    ("tries", "why"),
    [
        ({"a": 2, "b": 3}, None),
        ({"a": 3}, None),
        ({"a": 3, "b": 3}, "403 Forbidden"),
        ({"a": 9, "b": 4, "c": 1}, "403 Forbidden"),
    ],
)
def test_a_server_refuses_files_when_all_of_them_were_tried_often_enough(
    tries: dict[str, int], why: str | None
) -> None:
    said = [
        Complaint(name, FAILED.format(n + 1, "403 Forbidden")) for name, count in tries.items() for n in range(count)
    ]
    assert refused(["a", "b"], [*said, Complaint("a", "something else")]) == why


def test_patience_begins_anew_with_each_file_and_with_each_portion_of_bytes() -> None:
    patience = Patience(0)
    assert patience.idle(10, left=3, written=0) == 0
    assert patience.idle(20, left=3, written=1000) == 10
    assert patience.idle(30, left=2, written=2000) == 0
    assert patience.idle(45, left=2, written=50_000) == 15
    assert patience.idle(46, left=2, written=70_000) == 0
    assert patience.idle(56, left=9, written=70_000) == 10


def test_the_bytes_that_a_process_has_written_are_known_while_it_is_there(tmp_path: Path) -> None:
    before = writes.written(os.getpid())
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    assert writes.written(os.getpid()) >= before + 100_000
    assert writes.written(2**22 + 1) == 0
