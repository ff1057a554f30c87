"""A cloud as a whole: brought up, taken down, asked who may use it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from keystoneauth1.adapter import Adapter

from deploy import appliance, example_image
from deploy.locks import alone
from deploy.namespaces import remove_tree
from tests.cloud.openstack import certificates, configuration, installation, people, processes, templates
from tests.cloud.openstack.errors import CloudError
from tests.cloud.openstack.place import SERVICES, Place

_PATIENCE = 60


@dataclass(frozen=True)
class Cloud:
    """One cloud. `cache` is where the installation, the template and the appliance are kept between clouds."""

    place: Place
    cache: Path
    binds: Mapping[str, str] = field(default_factory=dict)
    """Folders of this machine that servers see, beside /images with the example image, as if their own image had them:
    source -> target, with ":ro" behind it where it is read-only."""

    def start(self, say: Callable[[str], None]) -> None:
        """Brings up whatever does not run; the state is a fresh one where there is none."""
        installed = installation.ensure(self.cache, say)
        root = appliance.ensure(self.cache, say)
        template = templates.ensure(self.cache, installed, root, self.place.number, say)
        self.place.make()
        if not (self.place.state / "credential.json").exists():
            templates.copy(template, self.place)
        images = self.cache / "images"
        with alone(images, say):
            example_image.ensure(images)
        configuration.write(self.place, installed)
        certificates.make(self.place)
        processes.start_proxy(self.place)
        processes.start_services(self.place, installed, list(SERVICES), root, {str(images): "/images:ro", **self.binds})
        self._wait()

    def _wait(self) -> None:
        """Waits until the network service knows its own tables: it listens before."""
        neutron = Adapter(people.admin(self.place), service_type="network", interface="internal")
        deadline = time.monotonic() + _PATIENCE
        while neutron.get("/v2.0/networks", raise_exc=False).status_code != 200:
            if time.monotonic() > deadline:
                raise CloudError(f"The network service did not become ready.\n{processes.log_tails(self.place)}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends all services and servers. What is on disk stays."""
        if self.place.run.is_dir():
            processes.stop_all(self.place)

    def clean(self) -> None:
        """Ends all, and deletes the folder."""
        self.stop()
        # Servers' files may belong to subordinate ids.
        remove_tree(self.place.instances)
        shutil.rmtree(self.place.folder, ignore_errors=True)
