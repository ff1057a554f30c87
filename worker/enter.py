"""The program that runs a command in a container which is running already: it joins the container's namespaces.

It is a process of its own, because the kernel lets only a single thread join a user namespace. Its order comes as JSON on its
standard input, so that no secret stands in its arguments. Where the command cannot be started it says so on the descriptor
named in its first argument; else it ends with the command's exit code (128 + n for signal n).

The command gets the environment of the task's process, no capability, and no way to any. All that is imported is imported
before the container's files are in sight: they are its user's, and nothing of them is run but the command.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import warnings  # noqa: F401  (used by os.execvpe, which would import it inside of the container)
from typing import Any, Dict, List, NoReturn, Tuple

NAMESPACES = ("user", "pid", "ipc", "uts", "net", "mnt")
"""In this order: the first gives the right to join the others, and the last takes ``/proc`` out of sight."""
NOT_STARTED = 125
"""Exit code where the command was not started."""
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NO_NEW_PRIVILEGES = 38
_DROP_FROM_BOUNDING_SET = 24
_CAPABILITIES = range(64)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


def main() -> NoReturn:
    """Join, start the command, wait for it."""
    complaints = int(sys.argv[1])
    os.set_inheritable(complaints, False)
    try:
        order = json.load(sys.stdin.buffer)
        _read_nothing()
        environ = _environment(order["pid"], order["variables"])
        _join(order["pid"])
        child = os.fork()
        if child == 0:
            _become(order["command"], environ, order["directory"])
    except OSError as error:
        os.write(complaints, (error.strerror or str(error)).encode())
        os._exit(NOT_STARTED)
    os.close(complaints)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _read_nothing() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _environment(pid: int, variables: Dict[str, str]) -> Dict[str, str]:
    """What the container's process ``pid`` was started with, and ``variables`` over it."""
    with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123  (pathlib would be one import more)
        pairs = [entry.partition(b"=") for entry in file.read().split(b"\0")]
    environ = {os.fsdecode(name): os.fsdecode(value) for name, equals, value in pairs if name and equals}
    return {"PATH": _DEFAULT_PATH, **environ, **variables}


def _join(pid: int) -> None:
    """Enter the namespaces and the root directory of a process. Raises OSError."""
    root = os.open(f"/proc/{pid}/root", os.O_RDONLY | os.O_DIRECTORY)
    for namespace in _others(pid):
        _checked(_libc.setns(namespace, 0))
        os.close(namespace)
    os.fchdir(root)
    os.chroot(".")
    os.close(root)


def _others(pid: int) -> List[int]:
    """Descriptors of the process's namespaces which are not this process's own, opened while all are in sight."""
    found = []
    for name in NAMESPACES:
        theirs, ours = (os.open(f"/proc/{one}/ns/{name}", os.O_RDONLY) for one in (pid, "self"))
        if os.path.sameopenfile(theirs, ours):
            os.close(theirs)
        else:
            found.append(theirs)
        os.close(ours)
    return found


def _become(command: List[str], environ: Dict[str, str], directory: str) -> NoReturn:
    """Turn into the command. Raises OSError where there is no such program or directory."""
    os.setsid()
    for capability in _CAPABILITIES:
        _libc.prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)  # fails behind the kernel's last one
    _checked(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    os.chdir(directory)
    os.execvpe(command[0], command, environ)  # noqa: S606  (its user's words, in its user's container)


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def started_by(archive: str, complaints: int) -> Tuple[List[str], Dict[str, Any]]:
    """The arguments and the environment that start this program out of the executor's ``archive`` (or source folder)."""
    start = "import sys; sys.path.insert(0, sys.argv.pop(1)); from worker.enter import main; main()"
    return [sys.executable, "-I", "-S", "-c", start, archive, str(complaints)], {"LANG": "C.UTF-8"}
