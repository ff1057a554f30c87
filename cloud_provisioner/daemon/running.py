"""A provisioner put together from its settings: `run` runs it until it is told to stop."""

from __future__ import annotations

import logging
import platform
import secrets
import shutil
import signal
import threading
import time
from collections.abc import Mapping

from prometheus_client import start_http_server

from cloud_provisioner.daemon.clouds import Clouds
from cloud_provisioner.daemon.daemon import Daemon
from cloud_provisioner.daemon.orders import order_maker
from cloud_provisioner.daemon.place import Pace
from cloud_provisioner.daemon.pool_link import PoolLink
from cloud_provisioner.daemon.terms import Terms
from cloud_provisioner.grants.lending import Lending
from cloud_provisioner.metrics import Metrics
from cloud_provisioner.observing.drains import Drains
from cloud_provisioner.observing.session import Session
from cloud_provisioner.planning.decisions import Policy
from cloud_provisioner.servers.record import Times
from cloud_provisioner.settings import ProvisionerSettings, SettingsUnusable
from cloud_provisioner.sites.watch import Sites
from cloud_provisioner.store.lease import Lease, running_clock
from cloud_provisioner.store.schema import open_database
from cloud_provisioner.store.store import Store
from identity.errors import Misconfigured
from identity.grants.access import Grants
from identity.private_files import read_private
from pool.worker_tokens import WorkerTokens


def run(settings: ProvisionerSettings, environ: Mapping[str, str]) -> None:
    """Runs a provisioner until SIGTERM or SIGINT. Blocks. SettingsUnusable where something that they name cannot be had."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    metrics = Metrics()
    grants = Grants(settings.grants) if settings.grants is not None else None
    daemon = assembled(settings, environ, metrics, Lending(grants))
    _serve(settings.metrics, metrics)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    daemon.run(stopping)
    if grants is not None:
        # A refresh token that is just being used must not be lost.
        grants.close()


def assembled(settings: ProvisionerSettings, environ: Mapping[str, str], metrics: Metrics, lending: Lending) -> Daemon:
    """The daemon, not started. SettingsUnusable."""
    database = open_database(settings.database.get_secret_value())
    lease = Lease(database, settings.name, settings.instance or platform.node(), settings.pace.lease)
    pace = settings.pace
    if shutil.which(settings.pool.drain[0]) is None:
        # Workers that nobody can drain are never given back.
        raise SettingsUnusable(
            f"pool.drain: there is no command {settings.pool.drain[0]}: install it, or name its path (docs/provisioner.md)."
        )
    try:
        key = read_private(settings.pool.signing_key, "pool.signing_key")
    except Misconfigured as error:
        raise SettingsUnusable(str(error)) from error
    terms = Terms(
        settings.name,
        Times(**settings.times.model_dump(exclude={"leaks_apart"})),
        Policy(**settings.policy.model_dump()),
        order_maker(settings, WorkerTokens(key, settings.pool.domain)),
        lambda: secrets.token_hex(16),
        lease.valid,
        settings.times.leaks_apart,
        running_clock,
    )
    return Daemon(
        Store(database, lease),
        lease,
        PoolLink(Session(settings.pool.schedd, pace.pool_patience), Drains(settings.pool.drain)),
        Sites(settings.sites),
        Clouds(
            environ,
            lending.credential,
            Pace(pace.list_busy, pace.list_calm, pace.offer, pace.patience),
            steady=running_clock,
        ),
        terms,
        metrics,
        lending.lenders,
        pace.cycle,
        time.time,
        time.monotonic,
    )


def _serve(where: str, metrics: Metrics) -> None:
    if not where:
        return
    host, _, port = where.rpartition(":")
    try:
        start_http_server(int(port), host, metrics.registry)
    except (OSError, ValueError, OverflowError) as error:
        raise SettingsUnusable(f"metrics: {where!r} cannot be listened at ({error}).") from error
