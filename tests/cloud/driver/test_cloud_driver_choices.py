"""What a description may choose at a real cloud: images, flavors, networks, projects, regions, addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from keystoneauth1.adapter import Adapter
from keystoneclient.v3.client import Client as Keystone
from novaclient.client import Client as Nova

from cloud_provisioner.drivers.contract import Account, Probing
from cloud_provisioner.planning.places import Limits
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import Status
from tests.cloud.described import account, order
from tests.cloud.driver.driving import listed, refused, until, wait
from tests.cloud.openstack import people
from tests.cloud.openstack.contents import set_quota
from tests.cloud.openstack.place import Place
from tests.cloud.openstack.rules import Orders
from tests.cloud.visitor import Visitor

pytestmark = pytest.mark.timeout(300)


def _admin(place: Place, service: str) -> Adapter:
    return Adapter(people.admin(place), service_type=service, interface="internal")


def _probe(name: str, place: Place, **more: Any) -> str:
    """What one of the pieces finds."""
    used = account(place, **more)
    assert isinstance(used, Probing)
    return next(probe for probe in used.probe("biology") if probe.name == name).run()


def _offered(place: Place, **selector: object) -> set[str]:
    return {one.name for one in account(place, flavors=selector).offer().flavors}


# Flavors


def test_flavors_are_selected_by_name_and_size(place: Place) -> None:
    assert _offered(place, names=["small", "gone"]) == {"small"}
    assert _offered(place, min_cores=2, max_cores=4, max_memory_gb=4) == {"medium", "nowhere"}
    assert _offered(place, min_disk_gb=40, min_memory_gb=16) == {"xlarge"}


def test_the_room_of_a_preemptible_flavor_is_for_those_who_allow_it(place: Place) -> None:
    offer = account(place, flavors={"names": ["small", "medium"], "preemptible": ["medium"]}).offer()
    assert {one.name: one.preemptible for one in offer.flavors} == {"small": False, "medium": True}


@contextmanager
def _flavor(place: Place, name: str, disk: int, *, public: bool) -> Iterator[Any]:
    nova = Nova("2.90", session=people.admin(place), endpoint_type="internal")
    made = nova.flavors.create(name, 2048, 1, disk, is_public=public)
    try:
        yield made
    finally:
        nova.flavors.delete(made)


def test_a_flavor_that_is_private_to_the_project_is_used(place: Place) -> None:
    with _flavor(place, "mine", 10, public=False) as flavor:
        used = account(place, flavors={"names": ["mine"]})
        offer = used.offer()
        assert offer.flavors == ()
        assert offer.notes[0].startswith("`flavors.names`: there is no flavor mine for this project")
        admin = people.admin(place)
        flavor.manager.api.flavor_access.add_tenant_access(flavor, people.project_id(admin, "biology"))
        mine = account(place, flavors={"names": ["mine"]})
        assert [one.name for one in mine.offer().flavors] == ["mine"]
        wanted = order("mine")
        mine.create(wanted)
        assert until(mine, wanted, Status.ACTIVE).flavor == "mine"


def test_a_flavor_without_a_disk_is_left_out_with_a_word(place: Place) -> None:
    with _flavor(place, "diskless", 0, public=True):
        offer = account(place, flavors={"names": ["diskless", "small"]}).offer()
    assert [one.name for one in offer.flavors] == ["small"]
    assert offer.notes == (
        "`flavors`: diskless is left out: it has no disk of its own, and volumes are not made for workers.",
    )


def test_a_quota_without_limits_is_none(place: Place) -> None:
    set_quota(people.admin(place), "physics", {"instances": -1, "cores": -1, "ram": -1})
    physics = account(place, vo="physics", vos={"physics": {"project_name": "physics"}})
    assert physics.offer().limits == Limits(None, None, None)


@pytest.mark.parametrize("service", ["network", "compute"])
def test_quotas_that_the_limits_do_not_show_are_told_as_such(place: Place, used: Account, service: str) -> None:
    nova, neutron = Nova("2.90", session=people.admin(place), endpoint_type="internal"), _admin(place, "network")
    biology = people.project_id(people.admin(place), "biology")
    try:
        if service == "network":
            neutron.put(f"/v2.0/quotas/{biology}", json={"quota": {"port": 0}})
        else:
            nova.quotas.update(biology, metadata_items=2)
        failure, sentence = refused(lambda: used.create(order()))
        assert (failure, "Maximum number of" in sentence) == (Failure.QUOTA, True)
    finally:
        neutron.delete(f"/v2.0/quotas/{biology}", raise_exc=False)
        nova.quotas.update(biology, metadata_items=128)


def test_a_server_that_somebody_has_locked_is_told_and_deleted_once_it_is_unlocked(place: Place, used: Account) -> None:
    nova = Nova("2.90", session=people.admin(place), endpoint_type="internal")
    wanted = order()
    cloud_id = used.create(wanted)
    until(used, wanted, Status.ACTIVE)
    nova.servers.lock(cloud_id)
    failure, sentence = refused(lambda: used.delete(cloud_id))
    assert (failure, "is locked): somebody has to unlock it." in sentence) == (Failure.BUSY, True)
    nova.servers.unlock(cloud_id)
    wait(lambda: used.delete(cloud_id))


# Images


@contextmanager
def _image(place: Place, name: str, *, data: bool = True, **more: Any) -> Iterator[str]:
    glance = _admin(place, "image")
    body = {"name": name, "disk_format": "raw", "container_format": "bare", **more}
    made = str(glance.post("/v2/images", json=body).json()["id"])
    try:
        if data:
            octets = {"Content-Type": "application/octet-stream"}
            glance.put(f"/v2/images/{made}/file", data=b"\0" * 1024, headers=octets)
        yield made
    finally:
        glance.delete(f"/v2/images/{made}")


def test_an_image_is_found_by_id_and_by_properties(place: Place) -> None:
    old = _probe("image", place, image={"properties": {"build": "1"}})
    known = old.partition("(")[2].partition(")")[0]
    assert _probe("image", place, image={"id": known}) == old
    assert _probe("image", place) != old, "the newest of the name"


@pytest.mark.parametrize("by", ["name", "id"])
def test_an_image_that_is_not_there_yet_or_was_switched_off_is_none(place: Place, by: str) -> None:
    with _image(place, "queued", data=False) as queued, _image(place, "off") as off:
        glance = _admin(place, "image")
        for image in (queued, off):
            glance.patch(
                f"/v2/images/{image}",
                json=[{"op": "replace", "path": "/visibility", "value": "public"}],
                headers={"Content-Type": "application/openstack-images-v2.1-json-patch"},
            )
        used = account(place, image={"name": "off"} if by == "name" else {"id": off})
        used.offer()
        glance.post(f"/v2/images/{off}/actions/deactivate")
        wanted = order()
        for _ in range(2):  # what was found, and what is found then
            failure, sentence = refused(lambda: used.create(wanted))
            assert (failure, sentence.startswith("`image")) == (Failure.BAD_REQUEST, True)
        assert listed(used, wanted) is None
        failure, sentence = refused(account(place, image={by: "queued" if by == "name" else queued}).offer)
        assert (failure, sentence.partition(": ")[0]) == (Failure.BAD_REQUEST, f"`image.{by}`")


def test_where_the_newest_image_of_a_name_was_switched_off_the_one_before_is_used(place: Place) -> None:
    with _image(place, "twice", visibility="public") as first, _image(place, "twice", visibility="public") as second:
        newest = next(image for image in (first, second) if image in _probe("image", place, image={"name": "twice"}))
        _admin(place, "image").post(f"/v2/images/{newest}/actions/deactivate")
        (other,) = {first, second} - {newest}
        assert other in _probe("image", place, image={"name": "twice"})


@pytest.mark.parametrize("more", [{"visibility": "shared"}, {"visibility": "community"}, {"os_hidden": True}])
def test_an_image_that_no_list_shows_is_found_by_id(place: Place, more: dict[str, Any]) -> None:
    with _image(place, "lent", **({"visibility": "public"} | more)) as image:
        if more.get("visibility") == "shared":
            biology = people.project_id(people.admin(place), "biology")
            _admin(place, "image").post(f"/v2/images/{image}/members", json={"member": biology})
        assert refused(account(place, image={"name": "lent"}).offer)[0] is Failure.BAD_REQUEST
        assert image in _probe("image", place, image={"id": image})


# Networks


def _ids(place: Place) -> dict[str, str]:
    networks = _admin(place, "network").get("/v2.0/networks").json()["networks"]
    return {one["name"]: one["id"] for one in networks}


def _networks_of(place: Place, used: Account) -> set[str]:
    """The networks of a server that is made."""
    wanted = order()
    cloud_id = used.create(wanted)
    until(used, wanted, Status.ACTIVE)
    return set(Visitor(place, people.member(place, "biology")).nova.servers.get(cloud_id).addresses)


def test_a_server_has_the_networks_that_are_said(place: Place) -> None:
    ids = _ids(place)
    assert _networks_of(place, account(place, networks=["private", ids["second"]])) == {"private", "second"}
    own = {"biology": {"project_name": "biology", "networks": ["second"]}}
    assert _networks_of(place, account(place, vos=own)) == {"second"}


@contextmanager
def _network(place: Place, name: str, addresses: str | None = None, **more: Any) -> Iterator[str]:
    neutron = _admin(place, "network")
    body: dict[str, object] = {"name": name, "shared": True, **more}
    made = str(neutron.post("/v2.0/networks", json={"network": body}).json()["network"]["id"])
    try:
        if addresses is not None:
            one = f"{addresses}.1"
            subnet = {"network_id": made, "cidr": f"{addresses}.0/30", "gateway_ip": None, "enable_dhcp": False}
            pools = {"ip_version": 4, "allocation_pools": [{"start": one, "end": one}]}
            neutron.post("/v2.0/subnets", json={"subnet": subnet | pools})
        yield made
    finally:
        Visitor(place, people.admin(place)).delete_all()  # a network with servers stays
        neutron.delete(f"/v2.0/networks/{made}")


def test_a_network_that_the_project_does_not_see_or_whose_name_another_has_is_told(place: Place) -> None:
    for name in ("hidden", _ids(place)["hidden"]):
        failure, sentence = refused(account(place, networks=[name]).offer)
        assert (failure, sentence) == (
            Failure.BAD_REQUEST,
            f"`networks`: {name} is no network that the project sees: correct it.",
        )
    with _network(place, "private") as namesake:
        assert "several networks: give the id" in refused(account(place).offer)[1]
        assert _probe("network", place, networks=[namesake]) == namesake


@pytest.mark.parametrize("more", [{}, {"shared": False, "router:external": True}], ids=["empty", "external"])
def test_a_network_on_which_no_server_can_be_is_told(place: Place, more: dict[str, Any]) -> None:
    with _network(place, "useless", **more):
        used = account(place, networks=["useless"])
        failure, sentence = refused(lambda: used.create(order()))
        assert (failure, sentence.partition(": ")[0]) == (Failure.BAD_REQUEST, "`networks`"), sentence


def test_a_network_without_an_address_left_is_an_error_of_capacity(place: Place) -> None:
    with _network(place, "narrow", "127.255.255"):
        used = account(place, networks=["narrow"])
        first, second = order(), order()
        used.create(first)
        until(used, first, Status.ACTIVE)
        used.create(second)
        assert until(used, second, Status.ERROR).failure is Failure.CAPACITY


# Projects, regions, addresses


def test_a_project_may_be_said_by_id_or_be_of_another_domain(place: Place) -> None:
    keystone = Keystone(session=people.admin(place), interface="internal")
    user = keystone.users.find(name=people.USER)
    member = keystone.roles.find(name="member")
    domain = keystone.domains.create("science")
    try:
        project = keystone.projects.create("bio", domain=domain)
        keystone.roles.grant(member, user=user, project=project)
        assert refused(account(place, vos={"biology": {"project_name": "bio"}}).offer)[0] is Failure.BAD_REQUEST
        by_name = account(place, vos={"biology": {"project_name": "bio", "project_domain": "science"}})
        by_id = account(place, vos={"biology": {"project_id": project.id}})
        wanted = order()
        by_name.create(wanted)
        assert until(by_id, wanted, Status.ACTIVE)
        Visitor(place, people.admin(place)).delete_all()
    finally:
        keystone.domains.update(domain, enabled=False)
        keystone.domains.delete(domain)


def _asked_by_proxy(orders: Orders) -> set[str]:
    """The services that were asked by their public addresses."""
    found = {one.service for one in orders.requests()} - {"identity"}
    orders.forget()
    return found


def test_the_internal_addresses_of_the_catalogue_can_be_used(place: Place, used: Account, orders: Orders) -> None:
    orders.forget()
    inside = account(place, interface="internal")
    wanted = order()
    inside.create(wanted)
    assert until(inside, wanted, Status.ACTIVE)
    assert _asked_by_proxy(orders) == set()
    assert listed(used, wanted)
    assert _asked_by_proxy(orders) == {"compute"}


def test_servers_are_made_in_the_region_that_is_said(place: Place, orders: Orders) -> None:
    keystone = Keystone(session=people.admin(place), interface="internal")
    services = {one.type: one for one in keystone.services.list()}
    region = keystone.regions.create("RegionTwo")
    made = [
        # Its addresses are those that the other region has for its own services.
        keystone.endpoints.create(services[kind], place.url(kind, public=False), interface="public", region=region.id)
        for kind in ("compute", "image", "network")
    ]
    try:
        assert "say one of RegionOne, RegionTwo" in refused(account(place).offer)[1]
        for name, asked in (("RegionOne", {"compute", "image", "network"}), ("RegionTwo", set())):
            orders.forget()
            there = account(place, cloud_region=name)
            wanted = order()
            there.create(wanted)
            assert until(there, wanted, Status.ACTIVE)
            assert _asked_by_proxy(orders) == asked
    finally:
        for endpoint in made:
            keystone.endpoints.delete(endpoint)
        keystone.regions.delete(region)


def test_a_user_who_may_only_read_is_told_so_at_the_first_server(place: Place) -> None:
    keystone = Keystone(session=people.admin(place), interface="internal")
    user, role = keystone.users.find(name=people.GUEST), keystone.roles.find(name="reader")
    project = people.project_id(people.admin(place), "biology")
    keystone.roles.grant(role, user=user, project=project)
    try:
        credentials = {"type": "password", "username": people.GUEST, "password": {"env": "PASSWORD"}}
        reader = account(place, credentials=credentials)
        assert reader.offer().flavors
        failure, sentence = refused(lambda: reader.create(order()))
        assert (failure, "needs another role in the project" in sentence) == (Failure.AUTH, True)
    finally:
        keystone.roles.revoke(role, user=user, project=project)
