"""The command line that runs one task under Apptainer, without privileges, in namespaces of its own."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import List, Sequence, Tuple

from worker.job import Task
from worker.scratch import Scratch

HOME = "/home/user"
"""Where the job's home directory is inside its containers."""


def command(task: Task, image: Path, scratch: Scratch, binds: Sequence[Tuple[Path, str]] = ()) -> List[str]:
    """The argument list for ``task`` in the unpacked ``image``; the task's own words stay words, no shell reads them.

    ``binds`` are directories of the job's home and where else they appear.

    The container sees the image read-only, the job's home, and temporary directories on the node's disk. Its process
    namespace makes everything it started end with it; ``--no-eval`` keeps values from being read as shell text.
    """
    argv = ["apptainer", "-s", "--nocolor", "exec" if task.command else "run"]
    argv += ["--userns", "--pid", "--ipc", "--contain", "--cleanenv", "--no-eval"]
    argv += ["--home", f"{scratch.home}:{HOME}", "--workdir", str(scratch.work)]
    for source, target in binds:
        argv += ["--bind", f"{source}:{target}"]
    argv += ["--pwd", str(PurePosixPath(HOME) / task.workdir)]
    if task.app:
        argv += ["--app", task.app]
    return [*argv, str(image), *task.command]
