"""What the running job can be asked for: from a request of the service to its answer."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

from worker import commands
from worker.commands import CommandError
from worker.exchange import Request, refusal
from worker.running import Running
from worker.scratch import Scratch

_NOT_RUNNING = "No task of the job runs at the moment: it is fetching an image, or is between two tasks. Try again."
_LARGEST_ARCHIVE = 5 * 2**30


class Serving:
    """Answers requests for one job. Safe to call from several threads."""

    def __init__(
        self,
        scratch: Scratch,
        running: Running,
        log: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scratch = scratch
        self._running = running
        self._log = log
        self._clock = clock

    def answer(self, request: Request) -> Dict[str, Any]:
        """The answer to any request, also to one that makes no sense."""
        kind = request.document.get("kind")
        try:
            if kind == "exec":
                answer = self._exec(request)
            elif kind == "snapshot":
                answer = self._snapshot(request)
            else:
                raise CommandError("unknown", "This executor does not know that kind of request.")
        except CommandError as error:
            answer = refusal(error.code, error.message)
        except (OSError, TypeError, ValueError, KeyError) as error:
            answer = refusal("failed", f"The request could not be served on the worker: {error}.")
        self._log(f"request {kind} {request.name}: {answer.get('refused', {}).get('code', 'done')}")
        return answer

    def _exec(self, request: Request) -> Dict[str, Any]:
        command: List[str] = [str(word) for word in request.document["command"]]
        container = self._running.container()
        if container is None or not command:
            raise CommandError("notRunning", _NOT_RUNNING)
        done = commands.run(command, container, request.name, request.seconds)
        return {
            "exitCode": done.exit_code,
            "stdout": _text(done.stdout.data),
            "stderr": _text(done.stderr.data),
            "stdoutCut": done.stdout.cut,
            "stderrCut": done.stderr.cut,
        }

    def _snapshot(self, request: Request) -> Dict[str, Any]:
        from worker import snapshots  # archives and HTTP take long to import, and few jobs need them

        deadline = self._clock() + request.seconds

        def check() -> None:
            if self._clock() > deadline:
                raise CommandError("timeOver", "The snapshot took longer than its time limit: name a smaller part.")

        document, home = request.document, self._scratch.home
        largest = int(document.get("largest") or _LARGEST_ARCHIVE)
        spare: Path = self._scratch.tools
        return {"size": snapshots.take(document["path"], home, spare, document["url"], largest, check)}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
