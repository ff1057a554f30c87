"""Users' grants, as far as commands need to know whose can be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from cloud_provisioner.daemon.clouds import driver_of
from cloud_provisioner.daemon.places import place_names
from cloud_provisioner.drivers.contract import CloudRefused
from cloud_provisioner.grants.lending import Lending
from cloud_provisioner.settings import ProvisionerSettings
from cloud_provisioner.sites.base import Site
from identity.grants.access import Grants


@contextmanager
def lending(settings: ProvisionerSettings) -> Iterator[Lending]:
    """The grants that the settings name; nobody lends any where they name none. IdentityError, DatabaseError."""
    if settings.grants is None:
        yield Lending(None)
        return
    with closing(Grants(settings.grants)) as grants:
        yield Lending(grants)


def users_places(sites: Iterator[Site]) -> frozenset[str]:
    """The places that are used with users' own rights."""
    found: set[str] = set()
    for site in sites:
        driver = driver_of(site)
        try:
            if driver.per_user(site):
                found.update(place_names(site, driver.accounts(site)))
        except CloudRefused:
            continue
    return frozenset(found)
