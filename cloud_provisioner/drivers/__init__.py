"""Drivers: a folder for each type of cloud, found by its name, so that a new one is known as soon as its folder is there.

A driver's `schema.py` defines `DESCRIPTION`, the model of its sites' files: a subclass of `cloud_provisioner.sites.base.Site`.
"""

from __future__ import annotations

import importlib
import pkgutil

from cloud_provisioner.errors import DriverUnknown
from cloud_provisioner.sites.base import Site


def names() -> tuple[str, ...]:
    """The drivers that there are, in order of the alphabet."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(__path__) if found.ispkg))


def description(driver: str) -> type[Site]:
    """The model of the descriptions of a driver's sites. DriverUnknown."""
    if driver not in names():
        raise DriverUnknown(driver, names())
    model: type[Site] = importlib.import_module(f"{__name__}.{driver}.schema").DESCRIPTION
    return model
