"""An instance as a whole: brought up, taken down, asked how it is. Each step looks first at what is there."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy import appliance, example_image, nodes, provisioner, service
from deploy.errors import DeployError
from deploy.files import write_private
from deploy.home import POOL_PORT, Home, Settings
from deploy.locks import alone
from deploy.namespaces import Machine, Process, remove_tree
from deploy.possible import check_namespaces, check_overlay, check_port


def _silent(_: str) -> None:
    """For callers that want no news."""


@dataclass(frozen=True)
class Instance:
    """One pool with its workers, its REST API and its recorder below one folder."""

    settings: Settings

    @property
    def home(self) -> Home:
        """Where it keeps its things."""
        return Home(self.settings.home)

    def start(self, say: Callable[[str], None]) -> None:
        """Brings up whatever does not run."""
        check_namespaces()
        self.home.make()
        with alone(self.home.path, say):
            self.home.make()
            self._check_place()
            root = appliance.ensure(self.settings.cache, say)
            if not (self.home.images / "busybox").is_dir():
                say("making the example image from Debian's busybox")
            example_image.ensure(self.home.images)
            workers_python = Machine("build", root, self.home.run, service=True).command(["python3"])
            service.prepare(self.settings, self.home, workers_python)
            head = self._start_pool(root, say)
            drain = nodes.drain_command(self.settings, self.home, root)
            provisioner.prepare(self.settings, self.home, root, drain)
            provisioner.start(self.home)
            service.start_recorder(self.home)
            if service.process(self.home).pid() is None:
                say("starting the REST API")
            service.start(self.settings, self.home)
            self._wait_for_pool(head)

    def _check_place(self) -> None:
        """Checks, before anything is started, that the instance can have its port and its folder."""
        running, settings = self.running(), self.settings
        if any(running.values()) and self.home.recorded_port() not in (None, settings.port):
            raise DeployError(
                f"This instance runs on port {self.home.recorded_port()}: run `deploy/quickstart stop` before you give it "
                "another, or choose another PROMINENCE_HOME."
            )
        if not running.get("api"):
            check_port(settings.host, settings.port)
        if not running.get("head"):
            check_port(settings.address(1), POOL_PORT)
            check_overlay(self.home.run / "overlay")
        write_private(self.home.port, str(self.settings.port))

    def _start_pool(self, root: Path, say: Callable[[str], None]) -> nodes.Node:
        head = nodes.head(self.home, root)
        if head.process.pid() is None:
            say("starting the pool")
            nodes.prepare_head(head, self.settings)
            head.start()
        nodes.write_client_configs(self.settings, self.home, head)
        nodes.wait_until_ready(head, lambda: nodes.listens(self.settings), 30)
        return head

    def _wait_for_pool(self, head: nodes.Node) -> None:
        command = ["condor_status", "-schedd", "-af", "Name"]
        deadline = time.monotonic() + 30
        while "prominence@" not in nodes.run_on_head(head, command):
            if time.monotonic() > deadline:
                raise DeployError(f"The pool did not come up.\n{nodes.log_tails(head)}")
            time.sleep(0.2)

    def stop(self, say: Callable[[str], None] = _silent) -> None:
        """Ends the API, the recorder, the provisioner, the workers, the head, in this order."""
        if self.home.run.is_dir():
            with alone(self.home.path, say):
                self._stop()

    def _stop(self) -> None:
        service.stop(self.home)
        provisioner.stop(self.home)
        files = sorted(self.home.run.glob("*.pid"), key=lambda file: file.stem == "head")
        for file in files:
            Process(file).stop(5)

    def running(self) -> dict[str, bool]:
        """What of it runs, by name; nothing where nothing was ever started."""
        noted = {file.stem for file in self.home.run.glob("*.pid")}
        asked = {"api", "head", "provisioner", "recorder"}
        names = noted | asked if self.home.client_config.exists() else noted
        return {name: Process(self.home.run / f"{name}.pid").pid() is not None for name in sorted(names)}

    def check_made(self) -> None:
        """Raises DeployError where there is no instance yet, or only the beginning of one."""
        self._check_has(self.home.service_settings)

    def _check_has(self, file: Path) -> None:
        if not file.exists():
            raise DeployError(f"Nothing was started in {self.home.path} yet: run deploy/quickstart.")

    def clean(self, say: Callable[[str], None] = _silent) -> None:
        """Ends it and deletes its folder. The appliance in the cache stays."""
        if not self.home.path.is_dir():
            return
        others = self.home.foreign()
        if others:
            raise DeployError(f"The folder {self.home.path} holds other things ({others[0]}): it is not deleted.")
        with alone(self.home.path, say):
            self._stop()
            remove_tree(self.home.path)

    def on_head(self, command: list[str]) -> int:
        """Runs an operator's command (condor_q, …) with the head's rights; its exit code."""
        self._check_has(self.home.client_config)
        check_namespaces()
        head = nodes.head(self.home, self._appliance())
        return subprocess.run(nodes.tool(head).command(command), check=False).returncode

    def _appliance(self) -> Path:
        return appliance.ensure(self.settings.cache, _silent)
