"""The service that a command is about: its settings and what its provisioner has in the database."""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cloud_provisioner.admin.tables import moment
from cloud_provisioner.settings import ProvisionerSettings, SettingsUnusable, load
from cloud_provisioner.sites.catalogue import Catalogue
from cloud_provisioner.sites.loading import load as load_sites
from cloud_provisioner.store.reader import Reader
from cloud_provisioner.store.schema import open_database
from identity.grants.settings import GrantSettings

VARIABLE = "PROMINENCE_PROVISIONER"
"""The environment variable that names the settings file."""


@dataclass(frozen=True)
class Service:
    """Settings, records, and a clock that gives epoch seconds."""

    settings: ProvisionerSettings
    reader: Reader
    environ: Mapping[str, str]
    clock: Callable[[], float] = time.time

    def described(self) -> Catalogue:
        """The sites as the files in the folder describe them now."""
        return load_sites([self.settings.sites])

    def silence(self) -> str | None:
        """Why nothing is done at present, in a sentence; None where a provisioner acts."""
        name, now = self.settings.name, self.clock()
        holding = self.reader.lease(name)
        start = "start `prominence-admin run`"
        if holding is None:
            return f"No provisioner has acted for {name} yet: {start}."
        if holding.until > now:
            return None
        last = f"No provisioner acts for {name}; the last one, {holding.holder}, "
        if holding.until <= 0:
            return f"{last}has stopped: {start}."
        return f"{last}did until {moment(holding.until, now)}: {start}."


def seconds(text: str) -> float:
    """A time that an argument names, as the parser of arguments wants it: its errors are wrong usage."""
    given = float(text)
    if not 0 <= given < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds, 0 or more")
    return given


def settings_of(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> ProvisionerSettings:
    """The settings in the file that the arguments name, or the environment. SettingsUnusable."""
    file = args.settings or environ.get(VARIABLE)
    if not file:
        raise SettingsUnusable(f"Say where the provisioner's settings are: --settings FILE, or {VARIABLE}.")
    return load(Path(file))


def grant_settings(args: argparse.Namespace) -> GrantSettings:
    """Those of users' grants. SettingsUnusable where there are none."""
    grants = settings_of(args).grants
    if grants is None:
        raise SettingsUnusable("The provisioner's settings have no section `grants`: users can lend it nothing.")
    return grants


@contextmanager
def opened(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Iterator[Service]:
    """The service of these settings, until its database is closed. SettingsUnusable."""
    settings = settings_of(args, environ)
    database = open_database(settings.database.get_secret_value())
    try:
        yield Service(settings, Reader(database), environ)
    finally:
        database.close()
