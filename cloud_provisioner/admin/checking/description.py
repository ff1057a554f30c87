"""The site that is to be checked, as its file describes it, and an account there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cloud_provisioner.admin.checking.report import StepFailed
from cloud_provisioner.admin.errors import UnknownName
from cloud_provisioner.admin.service import Service
from cloud_provisioner.admin.tables import counted
from cloud_provisioner.daemon.clouds import driver_of
from cloud_provisioner.drivers.contract import Account
from cloud_provisioner.grants.lending import Lending
from cloud_provisioner.sites.base import ANY_VO, Site
from cloud_provisioner.sites.loading import unusable


@dataclass(frozen=True)
class Chosen:
    """A site, one of its VOs, and the account that goes with it; `found` says what it is."""

    site: Site
    vo: str
    account: Account
    found: str


def chosen(service: Service, name: str, vo: str | None, user: str | None, rights: Lending) -> Chosen:
    """The site called `name`, for a VO, with the grant of a user where it needs one. No call is made.

    StepFailed, UnknownName, CloudRefused, DriverUnknown.
    """
    there = service.described()
    file, site = next(((file, site) for file, site in there.sites.items() if site.name == name), ("", None))
    if site is None:
        wrong = [str(problem) for problem in there.problems if not problem.note]
        known = sorted(one.name for one in there.sites.values())
        if wrong:
            raise StepFailed(f"{UnknownName('site', name, known)} What is wrong: {'; '.join(wrong)}")
        raise UnknownName("site", name, known)
    if lacking := [str(problem) for problem in unusable(there, file, service.environ)]:
        raise StepFailed(" ".join(lacking))
    served = vo or (ANY_VO if ANY_VO in site.vos else min(site.vos))
    if site.vo(served) is None:
        raise UnknownName("VO at this site called", served, sorted(site.vos))
    driver = driver_of(site)
    credential = None
    if driver.per_user(site):
        if user is None:
            raise StepFailed("The site works with users' own rights: say whose grant to use, with --user OWNER.")
        credential = rights.credential(user)
    account = driver.connect(site, served, credential, service.environ, service.settings.pace.patience)
    vos = "all VOs" if ANY_VO in site.vos else counted(len(site.vos), "VO")
    whom = f"for {served}" if served != ANY_VO else "for everybody"
    off = "" if site.enabled else "; it is not enabled"
    return Chosen(site, served, account, f"{Path(file).name}: {site.driver}, {vos}, {whom}{off}")
