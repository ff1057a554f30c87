"""Orders of servers: what a cloud is asked for, with the script that makes a worker of it."""

from __future__ import annotations

from collections.abc import Callable

from cloud_provisioner.contextualisation import WorkerFacts, host_name, render
from cloud_provisioner.drivers.contract import Order
from cloud_provisioner.planning.places import cloud_of
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.settings import ProvisionerSettings
from cloud_provisioner.sites import base
from pool.worker_tokens import WorkerTokens


def order_maker(settings: ProvisionerSettings, tokens: WorkerTokens) -> Callable[[Intent, base.Site, str, int], Order]:
    """Makes the order of a server for a VO of its place, after so many zones that had no room."""

    def made(intent: Intent, site: base.Site, vo: str, zone: int) -> Order:
        lifetime = settings.workers.token_lifetime
        token = tokens.mint(intent.uuid, intent.binding.user, intent.binding.vo, lifetime)
        facts = WorkerFacts(
            settings.pool.domain,
            str(settings.pool.head),
            settings.pool.port,
            intent.uuid,
            cloud_of(intent.site),
            token,
            site.region,
            intent.purpose,
            intent.preemptible,
            image_dirs=tuple(filter(None, settings.workers.image_folders.split(":"))),
            registry_mirror=settings.workers.registry_mirror,
            idle=None if site.kept_ready else max(settings.workers.idle_limit, 2 * site.keep_alive),
            silence=settings.workers.silence_limit,
            reachable=site.reachable,
        )
        name = f"{settings.name}-{host_name(cloud_of(intent.site), intent.uuid)}-{intent.uuid}"
        return Order(intent.uuid, name, settings.name, intent.flavor, vo, render(facts), zone)

    return made
