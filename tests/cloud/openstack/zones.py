"""Availability zones of a cloud, beside `nova`, for as long as a test needs them."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager

from keystoneauth1.adapter import Adapter

from tests.cloud.openstack import people
from tests.cloud.openstack.configuration import HOST, database
from tests.cloud.openstack.place import Place
from tests.cloud.visitor import Visitor

_ELSEWHERE = "elsewhere"
_TABLES = (("nova_cell1", "services"), ("nova_cell1", "compute_nodes"), ("nova_api", "host_mappings"))
"""By which Nova knows a host."""


@contextmanager
def moved(place: Place, zone: str) -> Iterator[None]:
    """The host that runs servers is in this zone, so that there is none in `nova`. There must be no servers."""
    with _zone(place, zone, HOST):
        yield


@contextmanager
def full(place: Place, zone: str) -> Iterator[None]:
    """There is a zone whose only host has no room at all."""
    admin = people.admin(place)
    # Hosts make themselves known, and this one does not run.
    for name, table in _TABLES:
        _copy_host(place, name, table)
    placement = Adapter(admin, service_type="placement", interface="internal", default_microversion="1.20")
    provider = placement.post("/resource_providers", json={"name": _ELSEWHERE}).json()["uuid"]
    try:
        with _zone(place, zone, _ELSEWHERE):
            yield
    finally:
        placement.delete(f"/resource_providers/{provider}")
        for name, table in _TABLES:
            with _written(place, name) as written:
                written.execute(f'DELETE FROM "{table}" WHERE host = ?', (_ELSEWHERE,))


@contextmanager
def _zone(place: Place, name: str, host: str) -> Iterator[None]:
    visitor = Visitor(place, people.admin(place))
    aggregate = visitor.nova.aggregates.create(name, name)
    aggregate.add_host(host)
    try:
        yield
    finally:
        visitor.delete_all()  # a host with servers stays in its zone
        aggregate.remove_host(host)
        aggregate.delete()


def _copy_host(place: Place, name: str, table: str) -> None:
    """Makes rows of the other host from those of the one that is there."""
    with _written(place, name) as written:
        written.row_factory = sqlite3.Row
        for row in written.execute(f'SELECT * FROM "{table}" WHERE host = ?', (HOST,)).fetchall():
            new = {name: row[name] for name in row.keys() if name != "id"} | {"host": _ELSEWHERE}  # noqa: SIM118
            if table != "host_mappings":
                new["uuid"] = str(uuid.uuid4())
            if table == "compute_nodes":
                new["hypervisor_hostname"] = _ELSEWHERE
            marks = ", ".join("?" * len(new))
            written.execute(f'INSERT INTO "{table}" ({", ".join(new)}) VALUES ({marks})', tuple(new.values()))


@contextmanager
def _written(place: Place, name: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database(place, name), timeout=60)) as connection, connection:
        yield connection
