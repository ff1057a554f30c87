#!/usr/bin/python3 -IS
"""The dead-man switch of a worker: runs HTCondor, and ends, and the machine with it, when nobody would miss the worker.

`dead_man.py [POOL]` starts condor_master and ends it, and itself, as soon as one of these holds; whatever started it powers the
machine off then (a systemd unit does, and a machine of namespaces ends with its first process):

- no job has run for `idle` seconds;
- the collector has not accepted this worker's token for `silence` seconds: away, hanging, or the token is no longer good;
- the token's life is over;
- condor_master has ended.

It asks no daemon of this machine anything, so it works when they hang. Jobs are seen as processes (condor_starter); the
collector is asked by condor_ping, which authenticates with the worker's own token: a head whose kernel still accepts
connections while its daemons hang is no answer. Should this program itself be killed, everything ends at once; should it
hang, systemd's watchdog ends it.

It is the first process of a machine of namespaces, so it reaps what others leave.
"""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

CLOCK_SETTLES = 300.0
"""Seconds after the start from which on the machine's clock is believed."""
_STEP = 1.0
_PING_PATIENCE = 20.0
_END_PATIENCE = 10.0


class Limits(NamedTuple):
    """Seconds, but `ends_at`: epoch seconds. `idle` None: a worker without jobs is kept."""

    idle: float | None
    silence: float
    lifetime: float
    ends_at: float


class Seen(NamedTuple):
    """Seconds of one clock that is never set: when this program began, when there was a job, when the head answered."""

    began: float
    busy: float
    heard: float


def verdict(limits: Limits, seen: Seen, now: float, wall: float) -> str | None:
    """Why the machine has to end, None while it has not. `wall` in epoch seconds; it may be wrong soon after a start."""
    if now - seen.began >= limits.lifetime or (wall >= limits.ends_at and now - seen.began >= CLOCK_SETTLES):
        return "the life of its token is over"
    if now - seen.heard >= limits.silence:
        return f"the pool has not answered for {now - seen.heard:.0f} s"
    if limits.idle is not None and now - seen.busy >= limits.idle:
        return f"there was no job for {now - seen.busy:.0f} s"
    return None


def limits(facts: Mapping[str, Any], token: str) -> Limits:
    """The limits of this worker. ValueError where the token is none."""
    part = token.strip().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    idle, ends_at = facts["idle"], float(claims["exp"])
    return Limits(None if idle is None else float(idle), float(facts["silence"]), ends_at - claims["iat"], ends_at)


def job_runs() -> bool:
    """Whether a job runs on this machine."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                if (folder / "comm").read_text() == "condor_starter\n":
                    return True
    return False


class Children:
    """The processes that this one has started; all others that end are reaped as well."""

    def __init__(self) -> None:
        self._running: set[int] = set()
        self._ended: dict[int, int] = {}

    def start(self, command: list[str], quiet: bool = False) -> int | None:
        """The process id of a command; None where it cannot be started now."""
        actions = [(os.POSIX_SPAWN_OPEN, place, "/dev/null", os.O_RDWR, 0) for place in ((0, 1, 2) if quiet else (0,))]
        try:
            pid = os.posix_spawnp(
                command[0], command, os.environ, file_actions=actions, setsigdef=[signal.SIGPIPE, signal.SIGXFSZ]
            )
        except OSError:
            return None
        self._running.add(pid)
        return pid

    def reap(self) -> None:
        """Notes who has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid in self._running:
                self._running.discard(pid)
                self._ended[pid] = os.waitstatus_to_exitcode(status)

    def runs(self, pid: int) -> bool:
        """Whether it has not ended yet."""
        return pid in self._running

    def code(self, pid: int) -> int | None:
        """The exit code of one that has ended, told once."""
        return self._ended.pop(pid, None)


class Ping:
    """Asks the collector again and again whether it accepts this worker, and never waits for it."""

    def __init__(self, children: Children, address: str, every: float) -> None:
        self._children = children
        self._command = ["condor_ping", "-quiet", "-address", f"<{address}>", "-type", "COLLECTOR", "ADVERTISE_STARTD"]
        self._every = every
        self._pid: int | None = None
        self._asked = 0.0

    def answered(self, now: float) -> bool:
        """Whether an answer has come since the last call."""
        if self._pid is not None and self._children.runs(self._pid):
            if now - self._asked >= _PING_PATIENCE:
                os.kill(self._pid, signal.SIGKILL)
            return False
        good = self._pid is not None and self._children.code(self._pid) == 0
        self._pid = None
        if now - self._asked >= self._every:
            self._pid, self._asked = self._children.start(self._command, quiet=True), now
        return good


class Switch:
    """The loop."""

    def __init__(self, facts: Mapping[str, Any], token: str) -> None:
        self._limits = limits(facts, token)
        self._children = Children()
        self._ping = Ping(self._children, f"{facts['head']}:{facts['port']}", min(60.0, self._limits.silence / 6))
        self._wake = _signals()

    def run(self) -> str:
        """Runs condor_master until one of them has to end; why."""
        began = time.monotonic()
        seen = Seen(began, began, began)
        master = self._children.start(["condor_master", "-f"])
        why = None if master else "condor_master cannot be started"
        # Where memory runs out, jobs go, not what ends this machine. In a user namespace that cannot be asked for.
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("-900")
        looked = began
        while why is None and master is not None:
            asked = self._sleep()
            now = time.monotonic()
            if self._ping.answered(now):
                seen = seen._replace(heard=now)
            if now - looked >= min(5.0, (self._limits.idle or 60) / 4):
                looked = now
                seen = seen._replace(busy=now) if job_runs() else seen
            why = verdict(self._limits, seen, now, time.time())
            why = "it was asked to" if asked else why if self._children.runs(master) else "condor_master has ended"
            _tell_systemd(b"WATCHDOG=1")
        if master is not None:
            self._end(master)
        return why or ""

    def _end(self, master: int) -> None:
        for number in (signal.SIGQUIT, signal.SIGKILL):
            deadline = time.monotonic() + _END_PATIENCE
            if self._children.runs(master):
                os.kill(master, number)
            while self._children.runs(master) and time.monotonic() < deadline:
                self._sleep()

    def _sleep(self) -> bool:
        """Waits a step, or until a child ends; whether this process was asked to end."""
        select.select([self._wake], [], [], _STEP)
        asked = False
        with suppress(BlockingIOError):
            asked = bool({signal.SIGTERM, signal.SIGINT} & set(os.read(self._wake, 4096)))
        self._children.reap()
        return asked


def _signals() -> int:
    """A descriptor from which the numbers of the signals can be read that this process gets."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return read


def _tell_systemd(what: bytes) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.sendto(what, "\0" + address[1:] if address.startswith("@") else address)


def main(pool: Path) -> None:
    """Runs until the machine has to end."""
    facts = json.loads((pool / "facts.json").read_text())
    os.environ["CONDOR_CONFIG"] = str(pool / "condor_config")
    why = Switch(facts, (pool / "tokens" / "worker").read_text()).run()
    print(f"This worker ends: {why}.", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "/pool"))
