"""Commands in a running container, made of the kernel's namespaces without a container runtime."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.worker.commands_support import container, found
from worker import commands
from worker.commands import CommandError, Done, run
from worker.running import Container, Running

pytestmark = pytest.mark.timeout(60)
MARK = "0123456789abcdef"


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    with container(tmp_path_factory.mktemp("container"), FROM_THE_IMAGE="1") as made:
        yield made


def shell(where: Container, script: str, seconds: float = 20) -> Done:
    return run(["sh", "-c", script], where, MARK, seconds)


def alive(marker: str) -> list[str]:
    """The processes of this machine with a word in their command line."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in listed if marker in line and "ps -eo" not in line]


def test_a_command_sees_what_the_task_sees(inside: Container) -> None:
    done = shell(inside, "pwd; echo $FROM_THE_IMAGE; echo $GIVEN; echo $HOME; readlink /proc/self/ns/pid")
    home, image, given, variable, namespace = done.stdout.data.decode().splitlines()
    assert (home, image, given, variable) == ("/home/user", "1", "by the task", "/home/user")
    assert namespace == str(Path(f"/proc/{inside.init}/ns/pid").readlink())
    assert "sleep 300" in shell(inside, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout.data.decode()


def test_exit_code_and_both_streams_come_back(inside: Container) -> None:
    done = shell(inside, "echo out; echo err >&2; exit 3")
    assert (done.exit_code, done.stdout.data, done.stderr.data) == (3, b"out\n", b"err\n")
    assert shell(inside, "kill -9 $$").exit_code == 137
    assert shell(inside, "cat").exit_code == 0  # nothing to read, and nobody waited for


def test_words_stay_words(inside: Container) -> None:
    done = run(["printf", "%s|", "a b", "$(id)", "ü\n", "*"], inside, MARK, 20)
    assert done.stdout.data.decode() == "a b|$(id)|ü\n|*|"


def test_a_program_that_is_not_there_is_said_so(inside: Container) -> None:
    with pytest.raises(CommandError, match=r"'no-such' could not be started: No such file") as refused:
        run(["no-such"], inside, MARK, 20)
    assert refused.value.code == "notStarted"


def test_a_command_has_no_capability_and_no_way_to_one(inside: Container) -> None:
    status = shell(inside, "cat /proc/self/status").stdout.data.decode()
    sets = [line.split()[1] for line in status.splitlines() if line.startswith("Cap")]
    assert set(sets) == {"0" * 16}
    assert "NoNewPrivs:\t1" in status


def test_when_its_time_is_over_the_whole_tree_ends(inside: Container) -> None:
    began = time.monotonic()
    with pytest.raises(CommandError) as refused:
        shell(inside, "setsid sleep 7771 & (sleep 7771 &) ; sleep 7771", seconds=0.5)
    assert refused.value.code == "timeOver"
    assert time.monotonic() - began < 10
    assert alive("sleep 7771") == []
    assert inside.is_up()


def test_what_a_command_leaves_behind_ends_with_it(inside: Container) -> None:
    assert shell(inside, "setsid sleep 7772 & echo done").stdout.data == b"done\n"
    assert alive("sleep 7772") == []


def test_output_is_kept_up_to_a_limit_and_the_command_not_stopped_by_it(inside: Container) -> None:
    done = shell(inside, "head -c 3000000 /dev/zero; echo end >&2")
    assert (len(done.stdout.data), done.stdout.cut) == (commands.LARGEST_OUTPUT, True)
    assert (done.stderr.data, done.stderr.cut, done.exit_code) == (b"end\n", False, 0)


def test_the_end_of_the_task_ends_the_command_and_is_said_so(tmp_path: Path) -> None:
    with container(tmp_path) as made:
        stopper = threading.Timer(0.5, lambda: subprocess.run(["kill", "-9", str(made.init)], check=True))
        stopper.start()
        with pytest.raises(CommandError) as refused:
            shell(made, "sleep 7773")
        stopper.join(10)
    assert refused.value.code == "taskEnded"
    assert alive("sleep 7773") == []


def test_several_commands_run_at_once_without_ending_each_other(inside: Container) -> None:
    done: list[Done] = []
    threads = [
        threading.Thread(
            target=lambda n=n: done.append(run(["sh", "-c", f"sleep 0.{n}; echo {n}"], inside, f"m{n}", 20))
        )
        for n in range(1, 4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(one.stdout.data for one in done) == [b"1\n", b"2\n", b"3\n"]


def test_without_a_task_there_is_no_container() -> None:
    running = Running()
    assert running.container() is None
    child = subprocess.Popen(["sleep", "300"])
    try:
        with running.task({}):
            running.started(child.pid)
            assert running.container() is None  # a process, but not in namespaces of its own
    finally:
        child.kill()
        child.wait(10)


def test_the_container_is_forgotten_with_its_task(tmp_path: Path) -> None:
    running = Running()
    with container(tmp_path) as made:
        with running.task({}):
            running.started(made.leader)
            assert found(running).init == made.init
        assert running.container() is None
