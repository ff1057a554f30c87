"""A cloud's state as it is when it starts, made once and kept in the cache: migrated databases with all contents.

Made by starting a whole cloud, filling and stopping it. Every cloud starts from a copy, in which the paths and addresses
of that one are replaced by its own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from deploy.locks import alone
from tests.cloud.openstack import configuration, contents, databases, people, processes
from tests.cloud.openstack.installation import Installation
from tests.cloud.openstack.place import SERVICES, Place

_MADE_BY = ("configuration.py", "contents.py", "databases.py", "people.py", "place.py", "templates.py")
_ORIGIN = "origin.json"


def ensure(cache: Path, installation: Installation, appliance: Path, number: int, say: Callable[[str], None]) -> Path:
    """The template below `cache`, made on the network of `number` when it is not there. Raises CloudError."""
    sources = b"".join((Path(__file__).parent / name).read_bytes() for name in _MADE_BY)
    digest = hashlib.sha256(installation.folder.name.encode() + sources).hexdigest()[:12]
    target = cache / f"openstack-template-{digest}"
    if not target.is_dir():
        with alone(cache / "openstack-template-lock", say):
            if not target.is_dir():
                say("making the template of the cloud's databases")
                _make(target, installation, appliance, number)
    return target


def copy(template: Path, place: Place) -> None:
    """Makes the state of a cloud out of the template. Nothing of it may run."""
    partial = place.state.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(template / "state", partial)
    origin = json.loads((template / _ORIGIN).read_text())
    databases.move(partial, {origin["folder"]: str(place.folder), origin["network"]: place.network})
    databases.new_keys(partial, "fernet")
    shutil.rmtree(place.state, ignore_errors=True)
    partial.rename(place.state)


def _make(target: Path, installation: Installation, appliance: Path, number: int) -> None:
    place = Place(target.with_name(f"{target.name}.partial"), number)
    if place.folder.is_dir():
        processes.stop_all(place)
        shutil.rmtree(place.folder)
    place.make()
    configuration.write(place, installation)
    try:
        databases.create(place, installation)
        processes.start_services(place, installation, ["identity"], appliance, {})
        people.introduce(place)
        processes.start_services(place, installation, list(SERVICES), appliance, {})
        contents.fill(place, people.admin(place))
    finally:
        processes.stop_all(place)
    (place.folder / _ORIGIN).write_text(json.dumps({"folder": str(place.folder), "network": place.network}))
    place.folder.rename(target)
