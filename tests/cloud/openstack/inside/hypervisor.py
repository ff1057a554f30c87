"""A driver of Nova whose servers are machines of namespaces. All it knows is on disk, so Nova may be killed and started."""

import base64
import json
import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import nova.conf
from nova import exception, objects
from nova.compute import power_state, task_states
from nova.virt import event, fake, hardware
from oslo_log import log as logging

from deploy.errors import DeployError
from tests.cloud.openstack.inside import faults, machines

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)
_STEP = 0.2
_CONSOLE = 100_000


class NamespaceDriver(fake.FakeDriverWithoutFakeNodes):  # type: ignore[misc]  # it has no types
    """What Nova asks of a hypervisor. Everything else it could ask for does nothing."""

    vcpus = 256
    memory_mb = 1024 * 1024
    local_gb = 100_000

    def init_host(self, host: str) -> None:
        """Finds the servers that are there, and begins to watch them."""
        super().init_host(host)
        self._folder = Path(CONF.instances_path)
        self._appliance = Path(os.environ["APPLIANCE"])
        self._rules = faults.Rules(Path(os.environ["FAULTS"]), Counter())
        # Those that have ended in the meantime will be noticed.
        self._up = set(self.list_instance_uuids())
        threading.Thread(target=self._watch, daemon=True).start()

    def list_instance_uuids(self) -> list[str]:
        """Ids of the servers, whether they run or not."""
        return [entry.name for entry in self._folder.iterdir() if self._place(entry.name).server() is not None]

    def list_instances(self) -> list[str]:
        """Names of the servers."""
        found = [self._place(uuid).server() for uuid in self.list_instance_uuids()]
        return [server.name for server in found if server is not None]

    def instance_exists(self, instance: Any) -> bool:
        """Whether there is such a server."""
        return self._place(instance.uuid).server() is not None

    def get_info(self, instance: Any, use_cache: bool = True) -> hardware.InstanceInfo:
        """Whether it runs."""
        if not self.instance_exists(instance):
            raise exception.InstanceNotFound(instance_id=instance.uuid)
        up = self._place(instance.uuid).process.pid() is not None
        return hardware.InstanceInfo(state=power_state.RUNNING if up else power_state.SHUTDOWN)

    def get_console_output(self, context: Any, instance: Any) -> bytes:
        """The end of what its first process said."""
        try:
            return self._place(instance.uuid).console.read_bytes()[-_CONSOLE:]
        except FileNotFoundError:
            return b""

    def spawn(self, context: Any, instance: Any, image_meta: Any, *_: Any, **named: Any) -> None:
        """Makes a server and starts it."""
        wrong = self._go_wrong("build", context, instance)
        properties = _properties(instance)
        fixed = [ip["address"] for vif in named.get("network_info") or [] for ip in vif.fixed_ips()]
        server = machines.Server(
            name=instance.hostname or instance.uuid,
            cores=instance.flavor.vcpus,
            memory_mb=instance.flavor.memory_mb,
            address=fixed[0] if fixed else None,
            stays=properties.get("first_process") == "stays",
            deaf=wrong is not None and wrong.does == "deaf",
            ways=wrong.with_.split() if wrong is not None and wrong.does == "walled" else (),
            binds=json.loads(os.environ["BINDS"]),
        )
        place = self._place(instance.uuid)
        place.make(server, base64.b64decode(instance.user_data or ""))
        if named.get("power_on", True):
            self._start(instance.uuid)

    def power_on(self, context: Any, instance: Any, *_: Any, **__: Any) -> None:
        """Starts it again."""
        self._start(instance.uuid)

    def power_off(self, instance: Any, timeout: int = 0, retry_interval: int = 0) -> None:
        """Ends it, within `timeout` seconds in its own way."""
        self._up.discard(instance.uuid)
        self._place(instance.uuid).process.stop(min(timeout, 10))

    def reboot(self, context: Any, instance: Any, network_info: Any, reboot_type: str, *_: Any, **__: Any) -> None:
        """Ends it and starts it again."""
        self.power_off(instance, 0 if reboot_type == "HARD" else 5)
        self._start(instance.uuid)

    def destroy(self, context: Any, instance: Any, *_: Any, **__: Any) -> None:
        """Ends it and forgets it."""
        self._go_wrong("delete", context, instance)
        self._up.discard(instance.uuid)
        self._place(instance.uuid).remove()

    def cleanup(self, context: Any, instance: Any, *_: Any, **__: Any) -> None:
        """`destroy` has left nothing."""

    def _place(self, uuid: str) -> machines.Place:
        return machines.Place(self._folder / uuid)

    def _start(self, uuid: str) -> None:
        self._place(uuid).start(self._appliance)
        self._up.add(uuid)

    def _go_wrong(self, at: str, context: Any, instance: Any) -> faults.Fault | None:
        """Does what a rule wants, if there is one for this; which that was."""
        fault = self._rules.fault(at, instance.display_name, {**_properties(instance), **(instance.metadata or {})})
        if fault is None:
            return None
        if fault.does == "fail" and at == "build":
            raise exception.BuildAbortException(instance_uuid=instance.uuid, reason=fault.with_)
        if fault.does == "fail":
            raise exception.NovaException(fault.with_)
        if fault.does == "wait":
            time.sleep(float(fault.with_))
        while fault.does == "hang" and self._rules.holds(fault):
            time.sleep(_STEP)
            # A server that is being built can be deleted.
            now = objects.Instance.get_by_uuid(context, instance.uuid)
            if at == "build" and now.task_state == task_states.DELETING:
                raise exception.UnexpectedDeletingTaskStateError(
                    instance_uuid=instance.uuid, expected={}, actual={"task_state": now.task_state}
                )
        return fault

    def _watch(self) -> None:
        """Tells Nova of servers that have ended by themselves, and ends those that want to."""
        while True:
            time.sleep(_STEP)
            for uuid in list(self._up):
                try:
                    self._look_at(uuid)
                except (OSError, DeployError):
                    LOG.exception("looking at %s", uuid)

    def _look_at(self, uuid: str) -> None:
        place = self._place(uuid)
        if place.wants_off():
            place.process.stop(1)
        # Nova listens a while after this has begun.
        if self._compute_event_callback and place.process.pid() is None and uuid in self._up:
            self._up.discard(uuid)
            self.emit_event(event.LifecycleEvent(uuid, event.EVENT_LIFECYCLE_STOPPED))


def _properties(instance: Any) -> dict[str, str]:
    """Properties of the image from which a server was made."""
    return {name.removeprefix("image_"): value for name, value in (instance.system_metadata or {}).items()}
