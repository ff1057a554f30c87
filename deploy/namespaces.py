"""Namespaces: a command that runs as if on a machine of its own, started, found again and ended.

As root the namespaces are made directly. An ordinary user gets a user namespace first, in which root is that user and
the other accounts are the user's subordinate ids (/etc/subuid), so that slot accounts exist there too.

A process is remembered by its id *and* its start time: after a crash or a reboot the id may be somebody else's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import DeployError

_ENTER = Path(__file__).parent / "enter.sh"
_NOTED = 'awk \'{print $1, $22}\' /proc/$$/stat >"$0.new" && mv "$0.new" "$0" && exec "$@"'
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def user_namespace() -> list[str]:
    """How unshare gives an ordinary user root and subordinate ids; nothing for root."""
    return [] if os.getuid() == 0 else ["--user", "--map-root-user", "--map-auto"]


def as_root(command: Sequence[str]) -> list[str]:
    """`command` as root over this user's files and subordinate ids."""
    return list(command) if os.getuid() == 0 else contained(command)


def contained(command: Sequence[str]) -> list[str]:
    """`command` as root over this user's files and subordinate ids, with nothing left of it when it has ended.

    All that it starts and mounts ends with it, and it ends with the process that starts it, even one that is killed.
    """
    isolated = ["--mount", "--pid", "--mount-proc", "--fork", "--kill-child"]
    return ["setpriv", "--pdeathsig", "KILL", "unshare", *user_namespace(), *isolated, *command]


def remove_tree(*paths: Path, patience: float = 600) -> None:
    """Deletes folders whose files may belong to subordinate ids; one that is not there is fine.

    Raises DeployError, after `patience` seconds at the latest: what is deleted by then is deleted.
    """
    there = [str(path) for path in paths if path.is_dir()]
    if not there:
        return
    command = as_root(["rm", "-rf", "--one-file-system", *there])
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired as error:
        raise DeployError(
            f"{', '.join(there)} could not be deleted within {patience:g} s: delete it by hand."
        ) from error
    if done.returncode:
        raise DeployError(f"{', '.join(there)} could not be deleted: {done.stderr.strip()[-500:]}")


@dataclass(frozen=True)
class Machine:
    """What a machine of namespaces is made of."""

    name: str
    lower: Path
    """The appliance root file system."""
    pool: Path
    """Folder that appears as /pool."""
    disk: Path | None = None
    """Folder for what it writes over the appliance; None: nothing can be written but /pool and /tmp."""
    service: bool = False
    """Run as the unprivileged service account, to which the caller's files belong, instead of root."""
    binds: Mapping[Path, str] | None = None
    """Further folders: source -> target, with ":ro" behind it where it is read-only."""

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` there."""
        binds = " ".join(f"{source}={target}" for source, target in (self.binds or {}).items())
        return [
            "env",
            "-i",  # inherited _CONDOR_* variables would reconfigure the daemons
            f"PATH={_PATH}",
            "unshare",
            *user_namespace(),
            *["--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--propagation", "private"],
            str(_ENTER),
            str(self.lower),
            str(self.disk or "-"),
            str(self.pool),
            self.name,
            "service" if self.service else "root",
            binds,
            "--",
            *argv,
        ]


@dataclass(frozen=True)
class Process:
    """A process that survives the command that started it, remembered in a file."""

    file: Path

    def start(self, command: Sequence[str], log: Path, environ: Mapping[str, str] | None = None) -> None:
        """Starts `command` in a session of its own, its output appended to `log`."""
        # The process notes itself before it becomes the command: whoever starts it may be killed at any moment.
        noted = ["sh", "-c", _NOTED, str(self.file), *command]
        self.file.unlink(missing_ok=True)
        with log.open("ab") as out:
            child = subprocess.Popen(
                noted, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, env=environ, cwd="/"
            )
        deadline = time.monotonic() + 10
        while not self.file.exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)

    def pid(self) -> int | None:
        """Its process id while it runs, else None."""
        try:
            pid, started = self.file.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if _start_time(int(pid)) == started else None

    def stop(self, patience: float) -> None:
        """Asks it to end, and after `patience` seconds makes it; returns when it is gone.

        unshare ignores TERM while it waits for its child, the first process of the node: that one is asked.
        """
        pid = self.pid()
        if pid is not None:
            inner = _only_child_of_unshare(pid) or pid
            _kill(inner, signal.SIGTERM)
            if not self._gone_within(patience):
                _kill(inner, signal.SIGKILL)
                if not self._gone_within(10):
                    raise DeployError(f"Process {pid} ({self.file.stem}) does not end, not even when killed.")
        self.file.unlink(missing_ok=True)

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.pid() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def _start_time(pid: int) -> str | None:
    """Start of a process in clock ticks since boot, or None when it is gone or only waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rsplit(")", 1)[1].split()
    return None if fields[0] in "ZX" else fields[19]


def _only_child_of_unshare(pid: int) -> int | None:
    try:
        if Path(f"/proc/{pid}/comm").read_text().strip() != "unshare":
            return None
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(children[0]) if len(children) == 1 else None


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
