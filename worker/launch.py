"""Starts a job's tasks in their containers: a basic task and waits for it, a sidecar beside the others."""

from __future__ import annotations

import os
import pwd
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, Iterator, Mapping, NamedTuple, Optional, Sequence, Tuple

from worker import environment, images, runtimes
from worker.ended import Ended
from worker.errors import RuntimeUnavailableError
from worker.images import Image, Source
from worker.job import SINGULARITY, Task
from worker.processes import run
from worker.progress import PULLING_IMAGE, RUNNING_TASK, Progress
from worker.report import TaskRecord
from worker.running import Running, ask_to_end
from worker.scratch import create_below
from worker.sidecars import Sidecars
from worker.staging.documents import Artifact

if TYPE_CHECKING:
    from worker.storage.mount import Mount

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
    progress: Progress
    mounted: Sequence[Artifact] = ()
    """Artifacts, parts of which may be mounted elsewhere in the containers."""
    grace: Callable[[], float] = lambda: 0.0
    """Gives the seconds that a task has to end by itself when the job is told to stop, before all of it is ended."""
    storage: Optional[Mount] = None
    """The storage that is mounted in all containers."""

    def obtain(self, task: Task) -> Image:
        """The image of a task. Raises ImageError, RuntimeUnavailableError."""
        self.source.eviction.check()
        self.progress.enter(PULLING_IMAGE, task.image, task.number)
        image = images.obtain(task, self.source)
        self.source.log(f"image {task.image}: {'cached' if image.cached else 'fetched'}, {image.path}")
        return image

    def launch(self, task: Task, image: Image) -> Ended:
        """Run a task to its end. Raises ImageError, StagingError, RuntimeUnavailableError."""
        inside = self._inside(task)
        with self._output(task) as stdout, self._prepared(task, image) as program:
            self.changed()
            self.progress.enter(RUNNING_TASK, task=task.number)
            with self.running.task(inside, program.again):
                ended = run(
                    program.argv,
                    program.env,
                    self.source.eviction,
                    stdout=stdout,
                    cwd=program.cwd,
                    started=self.running.started,
                    warn=lambda child: self._warn(child, program.above),
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

    def _warn(self, child: subprocess.Popen[bytes], above: int) -> None:
        seconds = self.grace()
        if seconds:
            ask_to_end(child, above, seconds)

    @contextmanager
    def _prepared(self, task: Task, image: Image) -> Iterator[runtimes.Program]:
        if self.storage is not None:
            self.storage.check()
        with runtimes.prepared(task, image, self._inside(task), self.source, self._binds()) as program:
            yield program if self.storage is None else self.storage.inside(program)

    def _binds(self) -> Sequence[Tuple[Path, str]]:
        storage = [] if self.storage is None else self.storage.binds
        if not self.mounted:
            return storage
        from worker.staging import artifacts  # takes long to import, and few jobs need it

        return [*artifacts.binds(self.mounted, self.source.scratch.home), *storage]

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
