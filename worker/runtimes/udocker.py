"""The command line that runs one task under udocker, in a copy of its image that the task may change.

udocker is given a directory tree (``--location``) and runs it by PRoot, without any namespace. Its mode P2, in which PRoot
traces every system call: with the kernel's filter, as in P1, programs that are linked statically died of SIGBUS (PRoot 5.4).
PRoot ends with a task what it left behind. Its exit code tells nothing of a task that died of a signal (it may be 0, that of
an earlier process), so the image's own shell, where there is one, waits for the task and gives its code. PRoot is no wall:
the task runs as the account of the job on its worker.

Variables travel in a file, and PRoot is started by a small script that reads it: udocker itself is not to see what a task
sets for itself (``PYTHONPATH``, say), and passes on no value with a line break. udocker wants to download its own tools unless
its folders look as if they were there.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Dict, Iterator, List, Mapping, Sequence, Tuple

from worker import environment
from worker.container import HOME
from worker.images import Image, Source
from worker.images.errors import ImageCorruptError, ImageDiskFullError
from worker.images.store import disk_errors, remove_tree
from worker.job import Task
from worker.processes import run
from worker.runtimes import image_config
from worker.runtimes.program import Program
from worker.scratch import Scratch

TOOLS_RELEASE = "1.2.11"
"""The release of udocker's own tools that udocker 1.3.17 looks for."""
_FOLDERS = ("bin", "lib", "doc", "repos", "layers", "containers", "tmp")
_BOUND = ("/etc/hosts",)
_START_PROOT = """\
#!/usr/bin/python3 -IS
import json, os, sys
with open({file!r}, encoding="utf-8") as file:
    os.execve({proot!r}, ["proot", *sys.argv[1:]], json.load(file))
"""
_PROOT = "/usr/bin/proot"
_WAITING = ("/bin/sh", "-c", '"$@"; exit "$?"', "sh")
_FULL = "No space left on device"
_LONGEST = 300


@contextmanager
def prepared(
    task: Task, image: Image, variables: Mapping[str, str], source: Source, binds: Sequence[Tuple[Path, str]] = ()
) -> Iterator[Program]:
    """The program that runs ``task``; its container is there within the block.

    Raises ImageDiskFullError, ImageCorruptError where the image cannot be copied, RuntimeUnavailableError.
    """
    place = source.scratch.tools / f"udocker-{task.number}"
    remove_tree(place)
    try:
        with disk_errors(task.image):
            root = _furnish(place, source.scratch)
            _copy(task.image, image.path, root, place / "copy.log", source)
            inside = _inside(root, variables if task.command else {**variables, **image_config.AS_IN_THE_REGISTRY})
            _write_start(place, inside)
            (place / "path.env").write_text(f"PATH={inside['PATH']}\n", encoding="utf-8")
        outside = _outside(place)

        def again(words: Sequence[str]) -> Program:
            return Program(
                command(task._replace(command=tuple(words), workdir=""), root, place, source.scratch, binds),
                outside,
                place,
            )

        above = 2 if _has_shell(root) else 1  # PRoot, and the shell that waits
        yield Program(command(task, root, place, source.scratch, binds), outside, place, again, above)
    finally:
        remove_tree(place)


def command(task: Task, root: Path, place: Path, scratch: Scratch, binds: Sequence[Tuple[Path, str]] = ()) -> List[str]:
    """The argument list for ``task`` in the directory tree ``root``; no shell reads the task's words."""
    temporary = {scratch.work / "tmp": "/tmp", scratch.work / "var_tmp": "/var/tmp"}  # noqa: S108  (of the container)
    volumes = {str(scratch.home): HOME, **{str(ours): theirs for ours, theirs in temporary.items()}}
    volumes.update({str(ours): theirs for ours, theirs in binds})
    volumes.update({path: path for path in _BOUND if Path(path).exists()})
    argv = ["udocker", "-q", "run", "--nobanner", f"--location={root}", f"--env-file={place / 'path.env'}"]
    argv += [f"--volume={ours}:{theirs}" for ours, theirs in volumes.items()]
    argv += [f"--workdir={PurePosixPath(HOME) / task.workdir}", "task"]
    words = task.command or image_config.command(root)
    return [*argv, *(_WAITING if _has_shell(root) else ()), *words]


def _has_shell(root: Path) -> bool:
    return os.path.lexists(root / "bin/sh")


def _furnish(place: Path, scratch: Scratch) -> Path:
    """Make udocker's folders in ``place`` and the container's temporary ones; where the container's tree is to be."""
    place.mkdir(mode=0o700)
    for name in _FOLDERS:
        (place / name).mkdir()
    (place / "lib" / "VERSION").write_text(TOOLS_RELEASE + "\n", encoding="ascii")
    for name in ("tmp", "var_tmp"):
        (scratch.work / name).mkdir(exist_ok=True)
    return place / "root"


def _copy(image: str, origin: Path, root: Path, record: Path, source: Source) -> None:
    """Copy an unpacked image. Raises ImageDiskFullError, ImageCorruptError."""
    argv = ["cp", "-R", "-P", "--preserve=mode,timestamps,links", "--reflink=auto", "--", str(origin), str(root)]
    with record.open("wb") as output:
        ended = run(argv, environment.tool(source.scratch.tools), source.eviction, output.fileno(), output.fileno())
    if ended.exit_code == 0:
        return
    said = record.read_text(encoding="utf-8", errors="replace").strip()
    source.log(f"copying {image} failed: {said[:_LONGEST]}")
    if _FULL in said:
        raise ImageDiskFullError(image)
    raise ImageCorruptError(image, said.partition("\n")[0][:_LONGEST].rstrip(".") or "it could not be copied")


def _inside(root: Path, variables: Mapping[str, str]) -> Dict[str, str]:
    """What the task sees: the image's variables, the task's and the contract's over them, and the job's home."""
    return {"PATH": environment.TOOL_PATH, **image_config.variables(root), **variables, "HOME": HOME}


def _outside(place: Path) -> Dict[str, str]:
    """What udocker itself is started with; all that it writes for itself goes below ``place``."""
    return {
        "PATH": environment.TOOL_PATH,
        "HOME": str(place),
        "LANG": "C.UTF-8",
        "UDOCKER_DIR": str(place),
        "UDOCKER_TMP": str(place / "tmp"),
        "UDOCKER_DEFAULT_EXECUTION_MODE": "P2",
        "UDOCKER_USE_PROOT_EXECUTABLE": str(place / "proot"),
    }


def _write_start(place: Path, inside: Mapping[str, str]) -> None:
    """The script that starts PRoot with the task's environment, and the file it reads that from."""
    file = place / "environment.json"
    settings = {"PROOT_NO_SECCOMP": "1", "PROOT_TMP_DIR": str(place / "tmp")}
    with open(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as written:  # noqa: PTH123
        json.dump({**inside, **settings}, written)
    start = place / "proot"
    start.write_text(_START_PROOT.format(file=str(file), proot=_PROOT), encoding="utf-8")
    start.chmod(0o700)
