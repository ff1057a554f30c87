"""From a task and its unpacked image to the program that runs the one in the other, for each container runtime.

Apptainer runs the image where it lies, read-only. udocker runs a copy that belongs to the task and vanishes with it.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Mapping, Optional, Sequence, Tuple

from worker import container, environment
from worker.images import Image, Source
from worker.job import UDOCKER, Task
from worker.runtimes.program import Program

Binds = Sequence[Tuple[Path, str]]

__all__ = ["Program", "prepared", "udocker_version"]


@contextmanager
def prepared(
    task: Task, image: Image, variables: Mapping[str, str], source: Source, binds: Binds = ()
) -> Iterator[Program]:
    """The program that runs ``task`` with ``variables`` in its environment; what it needs is there within the block.

    ``binds`` are directories of the job's home and where else they appear in the container.

    Raises ImageError where the image cannot be made ready, RuntimeUnavailableError.
    """
    scratch = source.scratch
    if task.runtime == UDOCKER:
        from worker.runtimes import udocker  # few jobs need it

        with udocker.prepared(task, image, variables, source, binds) as program:
            yield program
    else:
        argv = container.command(task, image.path, scratch, binds)
        yield Program(argv, environment.for_container(scratch.tools, variables))


def udocker_version(installed: Path = Path("/opt/udocker")) -> Optional[str]:
    """The version of udocker in the directory it is ``installed`` in, None where there is none."""
    found = sorted(path.name for path in installed.glob("udocker-*.dist-info"))
    return found[-1][len("udocker-") : -len(".dist-info")] if found else None
