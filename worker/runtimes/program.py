"""What is started for a task."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence


class Program(NamedTuple):
    """The arguments, the whole environment and the directory (None: the executor's own) of a container runtime.

    ``again`` is for a runtime whose containers have no namespaces that could be joined: it gives the program that runs a
    further command in the same container, in the job's home. ``above`` counts the processes between the runtime's and the
    task's own in such a container.
    """

    argv: List[str]
    env: Dict[str, str]
    cwd: Optional[Path] = None
    again: Optional[Callable[[Sequence[str]], "Program"]] = None
    above: int = 0
