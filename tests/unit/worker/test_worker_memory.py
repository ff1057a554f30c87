"""Memory is watched over whole trees of processes, shared memory counted once, and what uses too much is ended."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from worker.ended import Ended
from worker.errors import MemoryExceededError
from worker.images import Image
from worker.job import Task
from worker.memory import Watch, tree

MB = 1024
HOLDING = """
import mmap, os, sys
memory = mmap.mmap(-1, {size} << 20)
for page in range(0, len(memory), 4096):
    memory[page] = 1
children = [os.fork() for _ in range({children})] if {children} else []
if 0 in children:
    memory[0]  # a child reads all of what it shares
    sum(memory[page] for page in range(0, len(memory), 4096))
print("ready", flush=True)
sys.stdin.read()
"""
IMAGE = Image(Path("/"), "", True)


@contextmanager
def holding(size: int, children: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """A program that holds so many MB, shared with this many children that it has."""
    # At most one fork deep: a child gets 0 in its own list and goes on to the end of the program.
    text = HOLDING.format(size=size, children=min(children, 1))
    with subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        for _ in range(1 + min(children, 1)):
            assert program.stdout.readline() == b"ready\n"
        try:
            yield program
        finally:
            program.kill()


def watch(limit_kb: int, roots: list[int], seen: list[int]) -> Watch:
    return Watch(limit_kb, lambda: roots, seen.append, interval=0.02)


def test_the_most_that_a_tree_used_is_noted() -> None:
    seen: list[int] = []
    with holding(64) as program:
        watch(0, [program.pid], seen).look()
    assert 64 * MB < max(seen) < 110 * MB


def test_memory_that_processes_share_is_counted_once() -> None:
    seen: list[int] = []
    with holding(64, children=1) as program:
        assert len(tree([program.pid])) == 2
        watch(100 * MB, [program.pid], seen).look()
        assert program.poll() is None
    assert max(seen) < 100 * MB


def test_what_uses_too_much_is_ended_and_said_so() -> None:
    seen: list[int] = []
    roots: list[int] = []

    def launch(_task: Task, _image: Image) -> Ended:
        with holding(64, children=1) as program:
            roots.append(program.pid)
            program.wait(20)
            roots.clear()
        return Ended(137, 0.0, 0)

    with watch(32 * MB, roots, seen) as watching, pytest.raises(MemoryExceededError) as raised:
        watching.guarding(launch)(Task("i"), IMAGE)
    assert raised.value.ended == Ended(137, 0.0, 0)
    assert raised.value.message.startswith("It used more memory than it asked for (0.0")
    assert "of 0.0312 GB)" in raised.value.message


def test_after_a_sidecar_used_too_much_no_task_is_begun() -> None:
    began = threading.Event()

    def launch(_task: Task, _image: Image) -> Ended:
        began.set()
        return Ended(0, 0.0, 0)

    with holding(64) as sidecar:
        watching = watch(32 * MB, [sidecar.pid], [])
        watching.look()
        assert sidecar.wait(20) == -9
        with pytest.raises(MemoryExceededError) as raised:
            watching.guarding(launch)(Task("i"), IMAGE)
    assert raised.value.ended is None
    assert not began.is_set()


def test_a_task_within_its_limit_is_left_alone() -> None:
    with holding(32) as program, watch(256 * MB, [program.pid], []) as watching:
        assert watching.guarding(lambda _task, _image: Ended(3, 0.0, 0))(Task("i"), IMAGE) == Ended(3, 0.0, 0)
        assert program.poll() is None


def test_a_process_that_has_ended_uses_nothing() -> None:
    seen: list[int] = []
    with holding(1) as program:
        program.kill()
        program.wait(20)
        watch(1, [program.pid], seen).look()
    assert seen == []
