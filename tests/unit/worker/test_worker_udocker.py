"""udocker: what is read from an unpacked image, and what a task's program is made of. PRoot itself runs in the pool's tests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from worker import runtimes
from worker.images import Image, Source
from worker.images.errors import ImageCorruptError
from worker.job import SINGULARITY, UDOCKER, Task
from worker.runtimes import image_config

VARIABLES = {"A": "b\nc", "PYTHONPATH": "/theirs", "PROMINENCE_TOKEN": "SECRET"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An unpacked image with a file, a link out of it, and what Apptainer leaves of its configuration."""
    image = tmp_path / "image"
    (image / ".singularity.d/env").mkdir(parents=True)
    (image / "bin").mkdir()
    (image / "bin/tool").write_text("original")
    (image / "outside").symlink_to(tmp_path)
    return image


def says(root: Path, script: str) -> None:
    (root / ".singularity.d/env/10-docker2singularity.sh").write_text(script)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('export X="plain"', "plain"),
        ('export X="${X:-"a b=c"}"', "a b=c"),
        ('export X="${X:-""}"', ""),
        ('export X="${X:-"two\nlines"}"', "two\nlines"),
        (r'export X="${X:-"a \\\"b\\\" \\$c \\`d\\` \\\\e"}"', 'a "b" $c `d` \\e'),
    ],
)
def test_an_images_variables_are_what_its_registry_says(root: Path, line: str, value: str) -> None:
    says(root, f'#!/bin/sh\nexport PATH="/tools:/bin"\n{line}\nexport LAST="${{LAST:-"z"}}"\n')
    assert image_config.variables(root) == {"PATH": "/tools:/bin", "X": value, "LAST": "z"}


@pytest.mark.parametrize("script", ["", "export X=$(id)\n", 'X="a"\n', 'export X="a\n'])
def test_what_is_no_such_line_is_not_run_and_gives_nothing(root: Path, script: str) -> None:
    says(root, script)
    assert image_config.variables(root) == {}


def test_an_image_of_no_registry_has_no_variables_and_a_shell_as_its_command(tmp_path: Path) -> None:
    assert image_config.variables(tmp_path) == {}
    assert image_config.command(tmp_path) == ("/bin/sh",)


def test_an_images_own_command_is_its_script(root: Path) -> None:
    (root / ".singularity.d/runscript").write_text("#!/bin/sh\n")
    (root / ".singularity.d/runscript").chmod(0o755)
    assert image_config.command(root) == ("/.singularity.d/runscript",)


def test_each_task_has_a_copy_of_its_image_which_vanishes_with_it(root: Path, source: Source) -> None:
    task = Task("i", ("sh", "-c", "echo $(id)"), runtime=UDOCKER, number=3)
    with runtimes.prepared(task, Image(root, "", cached=True), VARIABLES, source) as program:
        tree = Path(next(word for word in program.argv if word.startswith("--location=")).partition("=")[2])
        assert (tree / "bin/tool").read_text() == "original"
        assert (tree / "outside").is_symlink()
        (tree / "bin/tool").write_text("changed")
        (tree / "bin").chmod(0o500)
    assert (root / "bin/tool").read_text() == "original"
    assert list(source.scratch.tools.iterdir()) == []


def test_a_shell_of_the_image_waits_for_the_task_where_there_is_one(root: Path, source: Source) -> None:
    def program() -> runtimes.Program:
        task = Task("i", ("tool",), runtime=UDOCKER)
        with runtimes.prepared(task, Image(root, "", cached=True), {}, source) as made:
            return made

    assert program().argv[-2:] == ["task", "tool"]
    (root / "bin/sh").symlink_to("tool")
    start = program().argv.index("task") + 1
    waiting = program().argv[start:-1]
    for script, code in (("exit 3", 3), ("kill -9 $$", 137)):
        words = [*waiting, "sh", "-c", f"true; {script}"]
        assert subprocess.run(words, timeout=30, check=False, stderr=subprocess.DEVNULL).returncode == code


def test_what_a_killed_executor_left_is_not_run(root: Path, source: Source) -> None:
    left = source.scratch.tools / "udocker-0/root/bin/left"
    left.parent.mkdir(parents=True)
    left.write_text("left")
    with runtimes.prepared(Task("i", runtime=UDOCKER), Image(root, "", cached=True), {}, source):
        assert not left.exists()


def test_a_tasks_words_come_last_and_unchanged_and_its_secrets_are_in_a_private_file(
    root: Path, source: Source
) -> None:
    says(root, 'export PATH="/tools"\nexport A="${A:-"of the image"}"\nexport HOME="${HOME:-"/root"}"\n')
    task = Task("i", ("--rm", "echo $(id); $X"), runtime=UDOCKER, workdir="sub")
    with runtimes.prepared(task, Image(root, "", cached=True), VARIABLES, source) as program:
        assert program.argv[-3:] == ["task", "--rm", "echo $(id); $X"]
        assert "--workdir=/home/user/sub" in program.argv
        assert program.cwd is not None
        file = program.cwd / "environment.json"
        assert file.stat().st_mode & 0o777 == 0o600
        inside = json.loads(file.read_text())
        assert inside == {**inside, **VARIABLES, "PATH": "/tools", "HOME": "/home/user"}
        told = " ".join([*program.argv, *program.env, *program.env.values()])
    assert "SECRET" not in told
    assert "PYTHONPATH" not in told


def test_proot_is_started_with_the_tasks_environment_alone(root: Path, source: Source, tmp_path: Path) -> None:
    with runtimes.prepared(Task("i", runtime=UDOCKER), Image(root, "", cached=True), VARIABLES, source) as program:
        start = Path(program.env["UDOCKER_USE_PROOT_EXECUTABLE"])
        stand_in = tmp_path / "proot"  # a program that shows what it was started with
        stand_in.write_text('#!/bin/sh\nprintf "%s|" "$@"\nenv\n')
        stand_in.chmod(0o755)
        start.write_text(start.read_text().replace("/usr/bin/proot", str(stand_in)))
        words = [str(start), "-k", "6.1", "a b"]
        done = subprocess.run(words, env={"LEAK": "leaked"}, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.startswith("-k|6.1|a b|")
    assert "A=b\nc\n" in done.stdout
    assert "leaked" not in done.stdout


def test_an_image_that_cannot_be_copied_is_said_so(source: Source, tmp_path: Path) -> None:
    task = Task("gone", runtime=UDOCKER)
    with (
        pytest.raises(ImageCorruptError, match="gone"),
        runtimes.prepared(task, Image(tmp_path / "none", "", cached=True), {}, source),
    ):
        raise AssertionError("it is not to be run")
    assert list(source.scratch.tools.iterdir()) == []


def test_singularity_runs_the_image_where_it_lies(root: Path, source: Source) -> None:
    task = Task("i", ("true",), runtime=SINGULARITY)
    with runtimes.prepared(task, Image(root, "", cached=True), VARIABLES, source) as program:
        assert program.argv[0] == "apptainer"
        assert program.argv[-2:] == [str(root), "true"]


def test_the_version_of_udocker_is_that_of_its_installation(tmp_path: Path) -> None:
    assert runtimes.udocker_version(tmp_path) is None
    (tmp_path / "udocker-1.3.17.dist-info").mkdir()
    assert runtimes.udocker_version(tmp_path) == "1.3.17"
