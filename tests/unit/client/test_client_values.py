"""Option values and descriptions: from what a user types to the document of a job."""

from __future__ import annotations

import base64
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path

import prominence
import pytest
from prominence import values
from prominence.descriptions import MAX_INPUT_BYTES, command, input_files, one_task_job


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("1", 1), ("90", 90), ("90m", 90), ("2h", 120), ("30m", 30), ("1d", 1440), ("14d", 20160), ("007", 7)],
)
def test_walltime_is_read_as_minutes(text: str, minutes: int) -> None:
    assert values.minutes(text) == minutes


@pytest.mark.parametrize(
    "text", ["", "0", "0h", "-5", "+5", "1.5h", "h", "2w", "2 h", "1h30m", "1-00:00", "2H", "²", "٣", "9" * 30, "5\n"]
)
def test_what_is_no_walltime_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="90m, 2h, 1d"):
        values.minutes(text)


@pytest.mark.parametrize(("text", "size"), [("1", 1), ("0.5", 0.5), ("16.0", 16), ("1.25", 1.25)])
def test_memory_may_have_decimals_and_stays_a_whole_number_where_it_is_one(text: str, size: float) -> None:
    assert values.gigabytes(text) == size
    assert isinstance(values.gigabytes(text), type(size))


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (values.gigabytes, "0"),
        (values.gigabytes, "nan"),
        (values.gigabytes, "1e3"),
        (values.gigabytes, "4GB"),
        (values.positive, "0"),
        (values.positive, "1.0"),
        (values.natural, "-1"),
        (values.seconds, "inf"),
        (values.pair, "novalue"),
        (values.pair, "=x"),
        (values.label, "a="),
    ],
)
def test_other_values_out_of_range_are_refused(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        read(text)


def test_a_variable_may_be_empty_and_hold_equals_signs() -> None:
    assert values.pair("A=") == ("A", "")
    assert values.pair("A=b=c") == ("A", "b=c")


@pytest.mark.parametrize(
    ("words", "cmd"),
    [
        ([], None),
        (["ls"], "ls"),
        (["echo", "a b", "$X"], "echo 'a b' '$X'"),
        (["echo hello world"], "echo hello world"),
        (["a;b"], "'a;b'"),
        ([""], "''"),
        (["sh", "-c", "it's"], """sh -c 'it'"'"'s'"""),
    ],
)
def test_words_stay_single_arguments_and_one_with_blanks_is_a_command(words: list[str], cmd: str | None) -> None:
    assert command(words) == cmd


def test_only_what_was_given_is_in_a_description() -> None:
    assert one_task_job("busybox", [], resources={"cpus": 1, "memory": 1, "disk": None}) == {
        "resources": {"cpus": 1, "memory": 1},
        "tasks": [{"image": "busybox"}],
    }


def test_input_files_travel_whole_with_their_name_and_mode(tmp_path: Path) -> None:
    script, data = tmp_path / "run.sh", tmp_path / "data.bin"
    script.write_bytes(b"#!/bin/sh\n")
    script.chmod(0o755)
    data.write_bytes(bytes(range(256)) * (MAX_INPUT_BYTES // 256))
    data.chmod(0o644)
    first, second = input_files([str(script), str(data)])
    assert first == {
        "filename": "run.sh",
        "content": base64.b64encode(b"#!/bin/sh\n").decode(),
        "executable": True,
    }
    assert second["filename"] == "data.bin"
    assert "executable" not in second
    assert base64.b64decode(second["content"]) == data.read_bytes()


def test_input_files_too_large_missing_or_of_one_name_are_refused(tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(MAX_INPUT_BYTES + 1))
    other = tmp_path / "below" / "small"
    other.parent.mkdir()
    other.write_bytes(b"")
    same = tmp_path / "small"
    same.write_bytes(b"")
    for paths, words in (
        ([large], "larger than 1 MB"),
        ([tmp_path / "absent"], "No such file"),
        ([tmp_path], "directory"),
        ([other, same], "Two input files are called small"),
    ):
        with pytest.raises(prominence.InvalidInput, match=words):
            input_files([str(path) for path in paths])
