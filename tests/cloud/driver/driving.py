"""What tests of the driver do with an account again and again."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from cloud_provisioner.drivers.contract import Account, CloudRefused, Order
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import Listed, Status
from tests.cloud.openstack.rules import Orders

PATIENCE = 120


def wait(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def listed(used: Account, wanted: Order) -> Listed | None:
    view = used.listing(0)
    assert view.complete
    found = view.servers.get(wanted.uuid, ())
    assert len(found) <= 1
    return found[0] if found else None


def until(used: Account, wanted: Order, status: Status) -> Listed:
    found: list[Listed] = []

    def there() -> bool:
        one = listed(used, wanted)
        found[:] = [one] if one else []
        return bool(one and one.status is status)

    wait(there)
    return found[0]


def refused(call: Callable[[], object]) -> tuple[Failure, str]:
    with pytest.raises(CloudRefused) as caught:
        call()
    return caught.value.failure, caught.value.sentence


def requests(orders: Orders, service: str = "compute") -> list[str]:
    """The requests that came to a service since they were forgotten."""
    found = [f"{one.method} {one.path}" for one in orders.requests() if one.service == service]
    orders.forget()
    return found
