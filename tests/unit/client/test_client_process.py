"""The command as a process of its own: signals, pipes, and no traceback in any case."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import prominence

from tests.unit.client.scripted_server import Answer, ScriptedServer, job

ENDS_WITHIN = 20.0


def start(server: ScriptedServer, *argv: str, stdout: int = subprocess.PIPE, **environ: str) -> subprocess.Popen[bytes]:
    folder = Path(prominence.__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-m", "prominence", *argv],
        env={
            **os.environ,
            "PYTHONPATH": str(folder),
            "PROMINENCE_URL": server.url,
            "PROMINENCE_TOKEN": "t0ken",
            **environ,
        },
        stdout=stdout,
        stderr=subprocess.PIPE,
        # A shell without job control lets its background processes ignore the interrupt.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_an_interrupt_ends_quietly_with_130(server: ScriptedServer) -> None:
    server.on("GET /jobs", Answer(stall=True))
    process = start(server, "list")
    assert server.asked.wait(ENDS_WITHIN)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=ENDS_WITHIN)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_an_interrupted_wait_says_how_to_end_the_job(server: ScriptedServer) -> None:
    server.on("POST /jobs", Answer(201, {"id": 42}))
    server.on("GET /jobs/42", Answer(stall=True))
    process = start(server, "run", "--wait", "busybox")
    assert process.stderr is not None
    assert process.stderr.readline() == b"prominence: Job created with id 42\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode == 130
    assert err == b"prominence: Job 42 goes on: `prominence delete 42` ends it.\n"


def test_a_reader_that_has_gone_is_no_error(server: ScriptedServer) -> None:
    server.on("GET /jobs", Answer(200, [job(number) for number in range(1, 2000)]))
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = start(server, "list", stdout=write_end)
    os.close(write_end)
    _, err = process.communicate(timeout=ENDS_WITHIN)
    assert (process.returncode, err) == (141, b"")


def test_a_full_disk_is_a_sentence(server: ScriptedServer) -> None:
    server.on("GET /jobs", Answer(200, [job()]))
    full = os.open("/dev/full", os.O_WRONLY)
    process = start(server, "list", stdout=full)
    os.close(full)
    _, err = process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode == 1
    assert err == b"prominence: Cannot write the output: No space left on device.\n"


def test_a_terminal_without_unicode_still_gets_its_list(server: ScriptedServer) -> None:
    server.on("GET /jobs", Answer(200, [job(tasks=[{"image": "busybox", "cmd": "grün " * 50}])]))
    process = start(server, "list", COLUMNS="70", PYTHONIOENCODING="ascii")
    out, err = process.communicate(timeout=ENDS_WITHIN)
    assert (process.returncode, err) == (0, b"")
    assert b"gr?n" in out
