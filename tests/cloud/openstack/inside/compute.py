"""Nova in one process: scheduler, conductor and compute in threads beside the API, which this module gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cloud.openstack.answering import wait_until_it_answers
from tests.cloud.openstack.place import SERVICES

_PATIENCE = 100


def start(address: str) -> Callable[..., Any]:
    """Starts what works behind the API; the other services are at `address`. Raises TimeoutError where they are not.

    The module's imports are in here: what comes first decides how Nova runs.
    """
    from nova import monkey_patch

    monkey_patch.patch(backend="threading")

    import nova.virt
    from nova.api.openstack import wsgi_app

    # Nova puts `nova.virt.` before the name of its driver.
    nova.virt.__path__.append(str(Path(__file__).parent))
    application: Callable[..., Any] = wsgi_app.init_application("osapi_compute", "nova-api-os-compute")

    import os_vif
    from nova import context, objects, service
    from nova.compute import rpcapi as compute
    from nova.conductor import rpcapi as conductor
    from nova.objects import host_mapping
    from nova.scheduler import rpcapi as scheduler

    # It does not start where the others do not answer, which start at the same time.
    for port in SERVICES.values():
        if port != SERVICES["compute"]:
            wait_until_it_answers(address, port, _PATIENCE)
    objects.register_all()
    os_vif.initialize()
    for binary, topics in (
        ("nova-conductor", {"topic": conductor.RPC_TOPIC}),
        ("nova-scheduler", {"topic": scheduler.RPC_TOPIC}),
        ("nova-compute", {"topic": compute.RPC_TOPIC, "topic_alt": compute.RPC_TOPIC_ALT}),
    ):
        service.Service.create(binary=binary, **topics).start()
    host_mapping.discover_hosts(context.get_admin_context())
    return application
