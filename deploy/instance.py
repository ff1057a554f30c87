"""An instance as a whole: brought up, taken down, asked how it is. Each step looks first at what is there."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy import appliance, example_image, nodes, service
from deploy.errors import DeployError
from deploy.home import Home, Settings
from deploy.namespaces import Process, check_possible, remove_tree


@dataclass(frozen=True)
class Instance:
    """One pool with its workers and its REST API below one folder."""

    settings: Settings

    @property
    def home(self) -> Home:
        """Where it keeps its things."""
        return Home(self.settings.home)

    def start(self, say: Callable[[str], None]) -> None:
        """Brings up whatever does not run."""
        check_possible()
        self.home.make()
        root = appliance.ensure(self.settings.cache, say)
        if not (self.home.images / "busybox").is_dir():
            say("making the example image from Debian's busybox")
        example_image.ensure(self.home.images)
        head, workers = nodes.nodes_of(self.settings, self.home, root)
        service.prepare(self.settings, self.home)
        if head.process.pid() is None:
            say("starting the pool")
            nodes.prepare_head(head, self.settings)
            head.start()
        nodes.write_client_config(self.settings, self.home, head)
        nodes.wait_until_ready(head, lambda: nodes.listens(self.settings), 30)
        for number, worker in enumerate(workers, 1):
            if worker.process.pid() is None:
                nodes.prepare_worker(worker, number, self.settings, head)
                worker.start()
        if service.process(self.home).pid() is None:
            say("starting the REST API")
        service.start(self.settings, self.home)
        self._wait_for_pool(head)

    def _wait_for_pool(self, head: nodes.Node) -> None:
        command = ["condor_status", "-schedd", "-af", "Name"]
        deadline = time.monotonic() + 30
        while "prominence@" not in nodes.run_on_head(head, command):
            if time.monotonic() > deadline:
                raise DeployError(f"The pool did not come up.\n{nodes.log_tails(head)}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Ends the API, the workers, the head, in this order."""
        service.stop(self.home)
        files = sorted(self.home.run.glob("*.pid"), key=lambda file: file.stem == "head")
        for file in files:
            Process(file).stop(5)

    def running(self) -> dict[str, bool]:
        """What of it runs, by name."""
        return {file.stem: Process(file).pid() is not None for file in sorted(self.home.run.glob("*.pid"))}

    def clean(self) -> None:
        """Ends it and deletes its folder. The appliance in the cache stays."""
        self.stop()
        remove_tree(self.home.path)

    def on_head(self, command: list[str]) -> int:
        """Runs an operator's command (condor_q, …) with the head's rights; its exit code."""
        head, _ = nodes.nodes_of(self.settings, self.home, self._appliance())
        return subprocess.run(nodes.tool(head).command(command), check=False).returncode

    def _appliance(self) -> Path:
        return appliance.ensure(self.settings.cache, lambda _: None)
