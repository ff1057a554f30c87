"""Starts a job's tasks in their containers: a basic task and waits for it, a sidecar beside the others."""

from __future__ import annotations

import os
import pwd
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, ContextManager, Dict, Iterator, Mapping, NamedTuple, Optional, Sequence, Tuple

from worker import environment, images, runtimes
from worker.errors import RuntimeUnavailableError
from worker.images import Image, Source
from worker.job import SINGULARITY, Task
from worker.processes import Ended, run
from worker.report import TaskRecord
from worker.running import Running
from worker.scratch import create_below
from worker.sidecars import Sidecars
from worker.staging.documents import Artifact

_NAMESPACE_SWITCHES = ("/proc/sys/user/max_user_namespaces", "/proc/sys/kernel/unprivileged_userns_clone")
_RUNTIME_FAILED = 255


class Launcher(NamedTuple):
    """What tasks are started with: the contract's variables, where images come from, what runs already, and whom to tell."""

    variables: Mapping[str, str]
    source: Source
    running: Running
    sidecars: Sidecars
    changed: Callable[[], None]
    """Called when there is something new for those who look while the job runs."""
    mounted: Sequence[Artifact] = ()
    """Artifacts, parts of which may be mounted elsewhere in the containers."""

    def obtain(self, task: Task) -> Image:
        """The image of a task. Raises ImageError, RuntimeUnavailableError."""
        self.source.eviction.check()
        image = images.obtain(task, self.source)
        self.source.log(f"image {task.image}: {'cached' if image.cached else 'fetched'}, {image.path}")
        return image

    def launch(self, task: Task, image: Image) -> Ended:
        """Run a task to its end. Raises ImageError, StagingError, RuntimeUnavailableError."""
        inside = self._inside(task)
        with self._output(task) as stdout, self._prepared(task, image) as program:
            self.changed()
            with self.running.task(inside, program.again):
                ended = run(
                    program.argv,
                    program.env,
                    self.source.eviction,
                    stdout=stdout,
                    cwd=program.cwd,
                    started=self.running.started,
                )
        self.source.log(f"task ended with exit code {ended.exit_code}")
        if ended.exit_code == _RUNTIME_FAILED and task.runtime == SINGULARITY:
            _check_runtime()
        return ended

    def accompany(self, task: Task, image: Image, record: TaskRecord) -> None:
        """Start a sidecar, whose record is filled in when it ends. Raises ImageError, StagingError, RuntimeUnavailableError."""
        prepared = self._prepared(task, image)
        with self._output(task) as stdout:
            self.sidecars.start(prepared, record, stdout)
        self.source.log(f"started the sidecar {task.image}")

    def _prepared(self, task: Task, image: Image) -> ContextManager[runtimes.Program]:
        return runtimes.prepared(task, image, self._inside(task), self.source, self._binds())

    def _binds(self) -> Sequence[Tuple[Path, str]]:
        if not self.mounted:
            return ()
        from worker.staging import artifacts  # takes long to import, and few jobs need it

        return artifacts.binds(self.mounted, self.source.scratch.home)

    def _inside(self, task: Task) -> Dict[str, str]:
        return environment.inside(task.env, {**self.variables, environment.RUNTIME: task.runtime})

    @contextmanager
    def _output(self, task: Task) -> Iterator[Optional[int]]:
        """The descriptor for the task's standard output; None where that is the job's."""
        stdout = create_below(self.source.scratch.home, task.stdout) if task.stdout else None
        try:
            yield stdout
        finally:
            if stdout is not None:
                os.close(stdout)


def _check_runtime() -> None:
    """Raise RuntimeUnavailableError where it is certain that Apptainer could not have started a container."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError as error:
        raise RuntimeUnavailableError(f"the user {os.getuid()} has no account there") from error
    for switch in _NAMESPACE_SWITCHES:
        if _text(Path(switch)).strip() == "0":
            raise RuntimeUnavailableError(f"user namespaces are switched off ({switch} is 0)")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
