"""What an OpenStack project has to offer: flavors on which the image fits, limits, and what was left out, and why."""

from __future__ import annotations

import pytest

from cloud_provisioner.amounts import Amount
from cloud_provisioner.drivers.contract import CloudRefused, Offer
from cloud_provisioner.drivers.openstack.calls import OpenStackAccount, connect
from cloud_provisioner.drivers.openstack.cloud import Cloud
from cloud_provisioner.drivers.openstack.discovery import Discovery
from cloud_provisioner.drivers.openstack.signing_in import SigningIn
from cloud_provisioner.planning.places import Limits
from cloud_provisioner.servers.failures import Failure
from tests.unit.cloud_provisioner.drivers.openstack.scripted_cloud import (
    ENVIRON,
    ScriptedCloud,
    flavor,
    image,
    site,
)

OLDER, NEWER = "aaaaaaaa-0000-0000-0000-000000000000", "bbbbbbbb-0000-0000-0000-000000000000"


def offer(address: str, **more: object) -> Offer:
    return connect(site(address, **more), "bio", None, ENVIRON, 5.0).offer()


def refused(address: str, **more: object) -> str:
    with pytest.raises(CloudRefused) as caught:
        offer(address, **more)
    assert caught.value.failure is Failure.BAD_REQUEST
    return caught.value.sentence


def test_flavors_are_offered_with_the_room_that_jobs_find_and_their_price(address: str) -> None:
    flavors = {one.name: one for one in offer(address).flavors}
    assert flavors.keys() == {"m1.small", "m1.large"}
    large = flavors["m1.large"]
    assert large.size == Amount(4, 8192, 80 * 1024)
    assert large.room == Amount(4, 8192 - 245 - 257, (80 - 2) * 1024 * 95 // 100 - 512)
    assert large.price == 2.0
    assert not large.preemptible


def test_a_flavor_on_which_the_image_does_not_fit_is_left_out_and_noted(cloud: ScriptedCloud, address: str) -> None:
    cloud.flavors += [flavor("m1.nodisk", 2, 4096, 0), flavor("m1.little", 1, 1100, 20), flavor("m1.full", 1, 2048, 2)]
    cloud.images = [image(OLDER, min_ram=1200)]
    found = offer(address)
    assert {one.name for one in found.flavors} == {"m1.small", "m1.large"}
    assert "`flavors`: m1.tiny is left out: it has 1 GB of disk, the image needs 2." in found.notes
    assert "`flavors`: m1.little is left out: it has 1100 MB of memory, the image needs 1200." in found.notes
    assert any("m1.nodisk is left out: it has no disk of its own" in note for note in found.notes)
    assert any("m1.full is left out: the operating system would leave" in note for note in found.notes)


@pytest.mark.parametrize(
    "sizes",
    [{"size": 21 * 1024**3}, {"virtual_size": 20 * 1024**3 + 1}, {"min_disk": 21}],
    ids=["size", "virtual", "least"],
)
def test_an_image_needs_its_largest_size(cloud: ScriptedCloud, address: str, sizes: dict[str, int]) -> None:
    cloud.images = [image(OLDER, **sizes)]
    assert [one.name for one in offer(address).flavors] == ["m1.large"]


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ({"names": ["m1.large"]}, {"m1.large"}),
        ({"min_cores": 2}, {"m1.large"}),
        ({"min_memory_gb": 4}, {"m1.large"}),
        ({"min_disk_gb": 40}, {"m1.large"}),
        ({"max_cores": 2}, {"m1.small"}),
        ({"max_memory_gb": 2}, {"m1.small"}),
        ({"properties": {"hw:cpu_policy": "dedicated"}}, {"m1.large"}),
        ({"properties": {"hw:cpu_policy": "shared"}}, set()),
    ],
)
@pytest.mark.parametrize("microversions", [("2.1", "2.90"), ("2.1", "2.30")])
def test_flavors_are_selected_as_the_description_says(
    cloud: ScriptedCloud, address: str, selector: dict[str, object], names: set[str], microversions: tuple[str, str]
) -> None:
    cloud.microversions = microversions
    cloud.flavors = [flavor("m1.small", 1, 2048, 20), flavor("m1.large", 4, 8192, 80)]
    cloud.specs = {"id-m1.large": {"hw:cpu_policy": "dedicated"}}
    found = offer(address, flavors=selector)
    assert {one.name for one in found.flavors} == names
    assert any("none of the 2 flavors meets all" in note for note in found.notes) == (not names)


def test_names_that_no_flavor_has_are_noted(address: str) -> None:
    found = offer(address, flavors={"names": ["m1.large", "m1.huge"]})
    assert found.notes == (
        "`flavors.names`: there is no flavor m1.huge for this project: correct the name or leave it out.",
    )


def test_flavors_that_the_cloud_may_take_away_are_marked(address: str) -> None:
    found = offer(address, flavors={"preemptible": ["m1.large", "m1.spot"]})
    assert {one.name: one.preemptible for one in found.flavors} == {"m1.small": False, "m1.large": True}
    assert "`flavors.preemptible`: there is no flavor m1.spot for this project" in found.notes[0]


def test_of_many_notes_the_first_are_told(cloud: ScriptedCloud, address: str) -> None:
    cloud.flavors = [flavor(f"f{number}", 1, 2048, 1) for number in range(200)]
    notes = offer(address).notes
    assert len(notes) == 21
    assert notes[-1] == "`flavors`: 180 more like these."


def test_limits_are_novas_and_minus_one_is_none(cloud: ScriptedCloud, address: str) -> None:
    cloud.limits |= {"totalInstancesUsed": 3, "totalRAMUsed": 8192}
    found = offer(address)
    assert found.limits == Limits(servers=10, cores=20, memory=None)
    assert (found.used_servers, found.used) == (3, Amount(4, 8192, 0))


def test_the_newest_active_image_that_has_all_that_is_said_is_used(cloud: ScriptedCloud, address: str) -> None:
    debian = {"os_distro": "debian", "os_version": "13"}
    cloud.images = [
        image(NEWER, created_at="2026-03-01", min_disk=10, **debian),
        image(OLDER, created_at="2026-02-01", min_disk=3, **debian),
        image("c", created_at="2026-04-01", min_disk=4, os_distro="debian", os_version="12"),
        image("d", created_at="2026-05-01", min_disk=5, status="queued", **debian),
        image("e", created_at="2026-06-01", min_disk=6, os_hidden=True, **debian),
        image("f", created_at="2026-07-01", min_disk=7, name="another", **debian),
    ]
    found = offer(address, image={"name": "worker", "properties": debian})
    assert any("the image needs 10" in note for note in found.notes)


@pytest.mark.parametrize(
    ("selector", "sentence"),
    [
        ({"name": "gone"}, "`image.name`: the project sees no active image with the name gone: upload one or share it"),
        ({"id": "gone"}, "`image.id`: the project sees no active image with the id gone:"),
        (
            {"properties": {"os": "13"}},
            "`image.properties`: the project sees no active image with the property os: 13:",
        ),
    ],
)
def test_an_image_that_disappeared_is_told(cloud: ScriptedCloud, address: str, selector: object, sentence: str) -> None:
    assert sentence in refused(address, image=selector)


@pytest.mark.parametrize(
    ("networks", "sentence"),
    [
        (["nope"], "`networks`: nope is no network that the project sees: correct it."),
        (["twice"], "`networks`: twice is the name of several networks: give the id."),
    ],
)
def test_a_network_that_is_not_clear_is_told(
    cloud: ScriptedCloud, address: str, networks: list[str], sentence: str
) -> None:
    cloud.networks += [{"id": "1", "name": "twice"}, {"id": "2", "name": "twice"}]
    assert sentence in refused(address, networks=networks)
    assert offer(address, networks=["private", "1"]).flavors


def test_a_vos_own_networks_go_before_the_sites(cloud: ScriptedCloud, address: str) -> None:
    vos = {"bio": {"project_id": "x", "networks": []}, "chem": {"project_id": "x"}}
    found = offer(address, vos=vos, networks=["nope"])
    assert found.flavors, "bio can be served"
    assert "`networks`: nope is no network that the project sees: correct it." in found.notes


def test_the_region_must_be_clear(cloud: ScriptedCloud, address: str) -> None:
    assert offer(address, cloud_region="RegionOne").flavors
    assert "`cloud_region`: the cloud has no region Mars" in refused(address, cloud_region="Mars")
    cloud.regions = ["north", "south"]
    assert "`cloud_region`: the cloud has several regions: say one of north, south." in refused(address)
    assert offer(address, cloud_region="south").flavors
    assert "`interface`: Keystone's catalogue has no internal address" in refused(address, interface="internal")


def test_a_nova_that_is_too_new_is_told(cloud: ScriptedCloud, address: str) -> None:
    cloud.microversions = ("2.900", "2.950")
    assert "update python-novaclient" in refused(address)


@pytest.mark.parametrize("kind", ["flavors", "images", "networks"])
def test_entries_of_another_kind_are_told(cloud: ScriptedCloud, address: str, kind: str) -> None:
    setattr(cloud, kind, [{"id": 17}])
    assert "does not answer as OpenStack does" in refused(address, networks=["private"])
    setattr(cloud, kind, {"id": 17})
    assert "does not answer as OpenStack does" in refused(address, networks=["private"])


def test_what_was_looked_up_is_used_for_some_minutes(cloud: ScriptedCloud, address: str) -> None:
    now = [0.0]
    described = site(address)
    discovery = Discovery(described, kept=300, monotonic=lambda: now[0])
    cloud_ = Cloud(described, SigningIn(described, "bio", None, ENVIRON), 5.0)
    account = OpenStackAccount(described, ["bio"], cloud_, discovery)
    images, limits = ("GET", "/image/v2/images"), ("GET", r"/compute/v2\.1/limits")
    for now[0] in (0.0, 200.0, 299.0):
        account.offer()
    assert (cloud.count(images), cloud.count(limits)) == (1, 3)
    now[0] = 301.0
    account.offer()
    assert cloud.count(images) == 2


@pytest.mark.parametrize("microversions", [("2.1", "2.90"), ("2.1", "2.30")])
def test_a_flavors_id_may_have_blanks(cloud: ScriptedCloud, address: str, microversions: tuple[str, str]) -> None:
    cloud.microversions = microversions
    cloud.flavors = [flavor("gpu", 4, 8192, 80) | {"id": "gpu large"}]
    cloud.specs = {shown: {"kind": "gpu"} for shown in ("gpu large", "gpu%20large")}
    assert [one.name for one in offer(address, flavors={"properties": {"kind": "gpu"}}).flavors] == ["gpu"]


def test_an_odd_entry_is_left_out_and_noted_and_the_others_are_used(cloud: ScriptedCloud, address: str) -> None:
    cloud.flavors += [flavor("m1.odd", 1, 2048, 20) | {"vcpus": None}, flavor("m1.path", 1, 2048, 20) | {"id": "../x"}]
    cloud.images += [image("a/b")]
    cloud.networks += [{"id": "a/b", "name": None}]
    found = offer(address, networks=["private"])
    assert {one.name for one in found.flavors} == {"m1.small", "m1.large"}
    says = "in the cloud's list cannot be understood and are left out"
    assert f"`flavors`: 2 {says}: m1.odd, m1.path." in found.notes
    assert f"`image`: 1 {says}: worker." in found.notes
    assert f"`networks`: 1 {says}: a/b." in found.notes


def test_a_null_says_what_a_field_that_is_left_out_says(cloud: ScriptedCloud, address: str) -> None:
    nulls = {"OS-FLV-DISABLED:disabled": None, "extra_specs": None}
    cloud.flavors = [one | nulls for one in cloud.flavors]
    cloud.images = [image(OLDER, min_ram=None, virtual_size=None, os_hidden=None)]
    cloud.networks = [{"id": "1", "name": None}, *cloud.networks]
    cloud.limits |= {"maxTotalRAMSize": None}
    found = offer(address, networks=["private"])
    assert {one.name for one in found.flavors} == {"m1.small", "m1.large"}
    assert found.limits.memory is None
    assert not any("understood" in note for note in found.notes)
