"""What the provisioner of an instance is told, as files that its own code reads; it is not started."""

from __future__ import annotations

import ipaddress
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_provisioner import settings as provisioner_settings
from cloud_provisioner.drivers.local.schema import LocalSite
from cloud_provisioner.sites.watch import Sites
from deploy import provisioner
from deploy.home import POOL_PORT, Home, Settings

SETTINGS = Settings(
    Path("/unused"), Path("/unused"), port=9000, workers=1, most_workers=2, worker_cpus=3, worker_memory=2049
)
DRAIN = ["env", "-i", "condor_drain"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    return made


def site(home: Home, settings: Settings = SETTINGS) -> LocalSite:
    """This machine as the provisioner reads of it."""
    provisioner.prepare(settings, home, Path("/appliance"), DRAIN)
    sites = Sites(home.sites)
    sites.refresh(0)
    assert list(sites.problems()) == []
    (read,) = sites.sites.values()
    assert isinstance(read, LocalSite)
    return read


def test_this_machine_is_a_site_of_workers_that_share_it(home: Home) -> None:
    read = site(home)
    assert (read.name, read.region, read.driver) == ("local", "local", "local")
    assert (read.kept_ready, read.limits.servers) == (1, 2)
    assert (read.worker.cores, read.worker.memory_gb * 1024) == (3, 2049)
    assert (read.appliance, read.folder, read.images) == ("/appliance", str(home.workers), str(home.images))
    assert SETTINGS.address(1) not in read.seats()
    assert read.enabled


def test_there_are_addresses_for_as_many_workers_as_may_be_asked_for(home: Home) -> None:
    assert len(site(home, replace(SETTINGS, workers=64, most_workers=64)).seats()) >= 2 * 64


def test_a_machine_that_is_to_have_no_workers_is_a_site_that_is_switched_off(home: Home) -> None:
    read = site(home, replace(SETTINGS, workers=0, most_workers=0))
    assert (read.enabled, read.kept_ready) == (False, 0)


def test_settings_that_changed_are_in_the_next_description(home: Home) -> None:
    site(home)
    assert site(home, replace(SETTINGS, worker_cpus=1)).worker.cores == 1


def test_other_sites_that_an_admin_describes_stay(home: Home) -> None:
    site(home)
    other = home.sites / "other.yaml"
    other.write_text("of an admin")
    provisioner.prepare(SETTINGS, home, Path("/appliance"), DRAIN)
    assert other.read_text() == "of an admin"


def test_the_provisioner_joins_workers_to_the_instances_pool(home: Home) -> None:
    provisioner.prepare(replace(SETTINGS, registry_mirror="http://127.0.0.1:5000"), home, Path("/appliance"), DRAIN)
    read = provisioner_settings.load(home.provisioner_settings)
    assert (str(read.pool.head), read.pool.port, read.pool.domain) == (SETTINGS.address(1), POOL_PORT, "prominence")
    assert (read.pool.signing_key, list(read.pool.drain)) == (home.signing_key, DRAIN)
    assert read.sites == home.sites
    assert read.workers.registry_mirror == "http://127.0.0.1:5000"
    assert read.database.get_secret_value() == f"sqlite:///{home.path}/provisioner/provisioner.sqlite"


def test_each_instance_tells_prometheus_at_an_address_of_its_own_beside_the_pool_and_the_workers(home: Home) -> None:
    found = set()
    for port in (9000, 9001):
        settings = replace(SETTINGS, port=port)
        seats = site(home, settings).seats()
        address, _, number = provisioner_settings.load(home.provisioner_settings).metrics.rpartition(":")
        assert ipaddress.ip_address(address).is_loopback
        assert address not in (settings.host, settings.address(1), *seats)
        assert int(number) == POOL_PORT
        found.add(address)
    assert len(found) == 2


def test_what_the_provisioner_keeps_is_the_services_alone(home: Home) -> None:
    site(home)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (home.sites, home.path / "provisioner")}
    assert set(modes.values()) == {0o700}
    # Accounts of slots go through it to what is theirs.
    assert stat.S_IMODE(home.workers.stat().st_mode) == 0o711
    assert stat.S_IMODE(home.provisioner_settings.stat().st_mode) == 0o600
