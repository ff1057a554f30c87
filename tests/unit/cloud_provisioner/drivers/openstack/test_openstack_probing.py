"""The pieces of an OpenStack site are tried each by itself, and each failure names its own key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloud_provisioner.drivers.contract import CloudRefused, Probing
from cloud_provisioner.drivers.openstack.calls import connect
from tests.unit.cloud_provisioner.drivers.openstack.scripted_cloud import PASSWORD, ScriptedCloud, refusal, served, site

PIECES = ("credential", "image", "flavors", "network")


@pytest.fixture
def cloud() -> ScriptedCloud:
    return ScriptedCloud()


@pytest.fixture
def address(cloud: ScriptedCloud) -> Iterator[str]:
    with served(cloud) as found:
        yield found


def told(address: str, **more: object) -> dict[str, str]:
    """Piece -> what it found, or the sentence of its failure after FAILED."""
    account = connect(site(address, **more), "bio", None, {"SECRET": PASSWORD}, 5.0)
    assert isinstance(account, Probing)
    found = {}
    for probe in account.probe("bio"):
        try:
            found[probe.name] = probe.run()
        except CloudRefused as error:
            found[probe.name] = f"FAILED {error.sentence}"
    return found


def failed(found: dict[str, str]) -> list[str]:
    return [name for name, says in found.items() if says.startswith("FAILED")]


def test_what_is_there_is_said_in_this_order(address: str) -> None:
    found = told(address)
    assert tuple(found) == PIECES
    assert failed(found) == []
    assert found["credential"].startswith("signed in; Nova's microversion is 2.")
    assert "worker" in found["image"]
    assert found["flavors"] == "m1.small, m1.large"


def test_an_image_that_is_not_there_fails_its_own_piece_and_those_that_need_it(address: str) -> None:
    found = told(address, image={"name": "gone"})
    assert failed(found) == ["image", "flavors"]
    assert "`image.name`" in found["image"]


def test_flavors_of_which_none_can_be_used_fail(address: str) -> None:
    found = told(address, flavors={"names": ["huge"]})
    assert failed(found) == ["flavors"]
    assert "`flavors.names`: there is no flavor huge" in found["flavors"]


def test_a_network_that_is_not_there_fails(address: str) -> None:
    found = told(address, networks=["nowhere"])
    assert failed(found) == ["network"]
    assert "`networks`: nowhere" in found["network"]


def test_zones_are_tried_where_the_description_names_some(cloud: ScriptedCloud, address: str) -> None:
    assert told(address, availability_zones=["west", "south"])["zones"] == "south"
    found = told(address, availability_zones=["west", "mars"])
    assert failed(found) == ["zones"]
    assert "`availability_zones`: west" in found["zones"]
    cloud.script(("GET", ".*/os-availability-zone"), refusal(403, "Policy doesn't allow it"))
    assert told(address, availability_zones=["mars"])["zones"] == "mars"


def test_a_refused_password_fails_all_that_asks_the_cloud_and_is_not_repeated(
    cloud: ScriptedCloud, address: str
) -> None:
    cloud.script(("POST", "/v3/auth/tokens"), *[refusal(401, "The request you have made requires authentication.")] * 9)
    found = told(address)
    assert failed(found) == ["credential", "image", "flavors"]
    assert "`credentials.password`" in found["credential"]
    assert PASSWORD not in str(found)


def test_each_run_looks_anew(cloud: ScriptedCloud, address: str) -> None:
    account = connect(site(address), "bio", None, {"SECRET": PASSWORD}, 5.0)
    account.offer()
    (image,) = (probe for probe in account.probe("bio") if probe.name == "image")
    cloud.images = []
    with pytest.raises(CloudRefused):
        image.run()
