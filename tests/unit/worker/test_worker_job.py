import json
from pathlib import Path
from typing import Any

import pytest

from worker import job
from worker.errors import JobFileError, TaskUnsupportedError


def document(**changes: Any) -> dict[str, Any]:
    return {"version": 1, "resources": {"cpus": 1}, "tasks": [{"image": "i"}], **changes}


def test_a_command_becomes_words_as_a_shell_would_split_it() -> None:
    task = job.parse(document(tasks=[{"image": "i", "cmd": "echo 'a b' \"$HOME\" c\\ d"}])).tasks[0]
    assert task.command == ("echo", "a b", "$HOME", "c d")


def test_no_command_means_the_images_own() -> None:
    assert job.parse(document()).tasks[0].command == ()


def test_a_checksum_is_compared_without_its_prefix_and_in_lower_case() -> None:
    assert job.parse(document(tasks=[{"image": "i", "imageSha256": "sha256:ABC"}])).tasks[0].image_sha256 == "abc"


def test_values_that_are_no_text_become_text() -> None:
    read = job.parse(document(parameters={"x": 1.5}, tasks=[{"image": "i", "env": {"N": 3}}]))
    assert read.parameters == {"x": "1.5"}
    assert read.tasks[0].env == {"N": "3"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "resources": {}, "tasks": [{}]}'])
def test_a_description_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "job.json").write_text(text)
    with pytest.raises(JobFileError, match=r"job\.json"):
        job.load(tmp_path / "job.json")


def test_a_missing_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobFileError, match="No such file"):
        job.load(tmp_path / "job.json")


@pytest.mark.parametrize(("field", "value"), [("runtime", "docker"), ("type", "openmpi")])
def test_a_task_this_executor_cannot_run_is_named(tmp_path: Path, field: str, value: str) -> None:
    (tmp_path / "job.json").write_text(json.dumps(document(tasks=[{"image": "i", field: value}])))
    with pytest.raises(TaskUnsupportedError, match=value) as caught:
        job.load(tmp_path / "job.json")
    assert (caught.value.field, caught.value.value) == (field, value)
