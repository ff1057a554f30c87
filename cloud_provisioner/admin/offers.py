"""What all sites have to offer at this moment, asked as the provisioner asks them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from cloud_provisioner.admin.service import Service
from cloud_provisioner.daemon.clouds import Clouds
from cloud_provisioner.daemon.place import Pace, Place
from cloud_provisioner.daemon.places import Use
from cloud_provisioner.grants.lending import Lending
from cloud_provisioner.planning.places import Site
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.sites import base

_STEP = 0.02


def asked(
    service: Service, sites: Iterable[base.Site], intents: Sequence[Intent], rights: Lending, user: str
) -> list[Site]:
    """The places as plans see them, each asked for flavors and quota; `user` is whose rights are used first, where such are.

    A place that does not answer in time is one of which nothing is known.
    """
    patience = service.settings.pace.patience
    clouds = Clouds(service.environ, rights.credential, Pace(patience=patience))
    lenders = rights.lenders() or frozenset()
    now = service.clock()
    try:
        clouds.refresh(sites, ())
        for place in clouds:
            made = Use.of(one for one in intents if one.site == place.name and one.cloud_id is not None)
            place.ask(now, False, made, sorted(lenders, key=lambda owner: (owner != user, owner)))
        _wait([place for place in clouds if lenders or not place.per_user], patience, now)
        return sorted(clouds.planned(intents, lenders, now), key=lambda site: site.name)
    finally:
        clouds.close()


def _wait(places: Sequence[Place], patience: float, now: float) -> None:
    deadline = time.monotonic() + patience
    waiting = list(places)
    while waiting and time.monotonic() < deadline:
        waiting = [place for place in waiting if not place.offered(now)]
        if waiting:
            time.sleep(_STEP)
