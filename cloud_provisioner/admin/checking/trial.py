"""The steps of a check that need a server of its own.

The server has no record; `servers.passing` says how it goes nevertheless, whatever becomes of this process. Only the check's
own job can run on its worker, and nobody else's (`pool.errand`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from cloud_provisioner.admin.checking.description import Chosen
from cloud_provisioner.admin.checking.report import Report, StepFailed
from cloud_provisioner.admin.checking.running import CheckWorker
from cloud_provisioner.admin.checking.server import CheckServer
from cloud_provisioner.admin.pool import errands
from cloud_provisioner.admin.service import Service
from cloud_provisioner.daemon.orders import order_maker
from cloud_provisioner.drivers.contract import Order
from cloud_provisioner.planning.places import Flavor
from cloud_provisioner.servers import passing
from cloud_provisioner.servers.record import Binding, Intent
from identity.errors import Misconfigured
from identity.private_files import read_private
from pool.errand import GROUP, OWNER
from pool.worker_tokens import WorkerTokens

ENDING = 300.0
"""Seconds for the deletion: more than a cloud needs."""
_STEPS = ("pool", "boot", "join", "job", "delete")


@dataclass
class Trial:
    """A server that is booted and given back; its job must have run within `timeout` seconds."""

    service: Service
    site: Chosen
    report: Report
    timeout: float
    pause: Callable[[float], None]
    """Waits so many seconds; raises KeyboardInterrupt when it is time to end."""

    def skip(self) -> None:
        """Says that nothing of it was tried."""
        self.report.skip(*_STEPS)

    def run(self, flavor: Flavor) -> None:
        """All of it. Whatever happens, what was made is given back."""
        until = self.service.clock() + self.timeout + ENDING
        with self.report.step("pool") as step:
            pool = errands(self.service.settings.pool.schedd, self.service.environ)
            worker = CheckWorker(pool, passing.new_uuid(until), until, pause=self.pause)
            step.found = worker.look()
            order = self._order(worker.uuid, flavor, until)
        if not step.worked:
            self.report.skip(*_STEPS[1:])
            return
        server = CheckServer(self.site.account, order, pause=self.pause, step=self.service.settings.pace.list_busy)
        try:
            self._use(server, worker)
        finally:
            worker.take_back()
            self._give_back(server)
            worker.depart()

    def _use(self, server: CheckServer, worker: CheckWorker) -> None:
        deadline = time.monotonic() + self.timeout
        calls = (("boot", server.boot), ("join", worker.join), ("job", worker.run))
        for number, (name, call) in enumerate(calls, 1):
            with self.report.step(name) as step:
                step.found = call(deadline)
            if not step.worked:
                self.report.skip(*(later for later, _ in calls[number:]))
                return

    def _give_back(self, server: CheckServer) -> None:
        try:
            with self.report.step("delete", always=True) as step:
                step.found = server.end(time.monotonic() + ENDING)
        except KeyboardInterrupt:
            self.report.say(server.left)
            raise

    def _order(self, uuid: str, flavor: Flavor, until: float) -> Order:
        """The order that the provisioner would make, but for whom the server is, and for how long. StepFailed."""
        settings, now = self.service.settings, self.service.clock()
        lifetime = int(until - now + passing.SLACK)
        workers = settings.workers.model_copy(update={"token_lifetime": lifetime})
        try:
            key = read_private(settings.pool.signing_key, "`pool.signing_key`")
        except Misconfigured as error:
            raise StepFailed(f"{error} Run this as the provisioner's account.") from error
        make = order_maker(settings.model_copy(update={"workers": workers}), WorkerTokens(key, settings.pool.domain))
        size, room = flavor.size, flavor.room
        bound = Binding(OWNER, GROUP)
        intent = Intent(
            uuid, self.site.site.name, flavor.name, size, room, now, now, bound, preemptible=flavor.preemptible
        )
        made = make(intent, self.site.site, self.site.vo, 0)
        return replace(made, service=passing.service_of(settings.name))
