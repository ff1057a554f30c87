"""Namespaces of a mount program's own: it mounts without privileges, and the kernel unmounts when they end.

The program is started in a user namespace, in which it has the right to mount, and in a mount namespace, in which alone the
mount exists. Containers are started from these namespaces; nothing else on the worker sees the mount. No setuid program is
needed, and a program or an executor that was killed leaves nothing mounted.

Races thought of: the program's entries in ``/proc`` are those of this executor's own namespaces until it has made new ones, so
they are opened when the mount is seen there; opened once, they stay good when the program has died.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import List, Optional, Sequence

from worker.environment import TOOL_PATH

_STARTED_IN = (
    *("unshare", "--user", "--map-current-user", "--mount", "--keep-caps"),
    # The program ends with the executor, however that ends.
    *("setpriv", "--pdeathsig", "KILL"),
)
_ESCAPE = re.compile(r"\\([0-7]{3})")
_LOOK = 60.0


def within(argv: Sequence[str]) -> List[str]:
    """The arguments that run a program in namespaces of its own; it is the process that is started, not one below it."""
    return [*_STARTED_IN, *argv]


def has_mounted(pid: int, place: Path) -> bool:
    """Whether a process has a FUSE file system mounted on ``place``."""
    try:
        lines = Path(f"/proc/{pid}/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return False  # it ended meanwhile
    return any(_is_fuse_on(line.split(" "), str(place)) for line in lines)


def _is_fuse_on(fields: List[str], place: str) -> bool:
    kind = fields[fields.index("-") + 1]
    return kind.startswith("fuse") and _ESCAPE.sub(lambda found: chr(int(found.group(1), 8)), fields[4]) == place


class Namespace:
    """The namespaces of a process that has mounted; open until ``close``."""

    def __init__(self, pid: int) -> None:
        self._user = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._mount = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            os.close(self._user)
            raise

    def entered(self, argv: Sequence[str], directory: Optional[Path] = None) -> List[str]:
        """The arguments that run a program in there, as the same user, without any capability, in ``directory`` (None: the
        executor's). It is the process that is started, not one below it."""
        here = f"/proc/{os.getpid()}/fd"
        spaces = [f"--user={here}/{self._user}", f"--mount={here}/{self._mount}"]
        return ["nsenter", *spaces, "--preserve-credentials", f"--wdns={directory or Path.cwd()}", "--", *argv]

    def look_at(self, place: Path) -> bool:
        """Whether ``place`` can be looked at from in there.

        The kernel also learns from this whose the mounted directory is; before it knows, it lets nobody write there.
        """
        try:
            done = subprocess.run(
                self.entered(["stat", "--", str(place)]),
                env={"PATH": TOOL_PATH},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_LOOK,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def close(self) -> None:
        """Let go of them."""
        os.close(self._user)
        os.close(self._mount)
