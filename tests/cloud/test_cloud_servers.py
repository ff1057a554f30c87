"""The cloud of the tests is a cloud: servers come, run their user data, and go; what cannot be is said as clouds say it."""

from __future__ import annotations

import pytest
from novaclient import exceptions

from tests.cloud.openstack import processes
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.visitor import SLEEPS, Visitor

pytestmark = pytest.mark.timeout(300)

TELLING = """#!/bin/sh
echo "process $$ of user $(id -u) on $(hostname) at $PROMINENCE_ADDRESS is $PROMINENCE_CLOUD_ID, with $PROMINENCE_CPUS cores"
exec sleep 600
"""


def test_a_server_runs_its_user_data_as_its_first_process_and_goes_when_it_is_deleted(
    cloud: Cloud, biology: Visitor
) -> None:
    server = biology.until(biology.boot("first", TELLING, flavor="medium"), "ACTIVE")
    address = server.addresses["private"][0]["addr"]
    assert address.startswith(cloud.place.network)
    told = biology.until_it_says(server, "cores")
    assert f"process 1 of user 0 on first at {address} is {server.id}, with 2 cores" in told
    server.delete()
    biology.until_gone(server)
    assert server.id not in processes.running(cloud.place)
    assert not (cloud.place.instances / server.id).exists()


def test_a_server_that_powers_itself_off_is_shown_as_shut_off(biology: Visitor) -> None:
    off = biology.boot("off", "#!/bin/sh\necho begun\npoweroff\n")
    ended = biology.boot("ended", "#!/bin/sh\ntrue\n")
    biology.until(off, "SHUTOFF")
    biology.until(ended, "SHUTOFF")


def test_a_stock_image_stays_when_its_user_data_has_ended(biology: Visitor) -> None:
    server = biology.boot("stock", "#!/bin/sh\nexit 3\n", image="debian-13")
    biology.until_it_says(biology.until(server, "ACTIVE"), "user data has ended with 3")
    assert biology.nova.servers.get(server.id).status == "ACTIVE"


def test_two_networks_give_servers_addresses_of_their_own(biology: Visitor) -> None:
    servers = [biology.boot("one"), biology.boot("two", network="second")]
    shown = [biology.until(server, "ACTIVE") for server in servers]
    addresses = [address["addr"] for server in shown for each in server.addresses.values() for address in each]
    assert [list(server.addresses) for server in shown] == [["private"], ["second"]]
    assert len(set(addresses)) == 2


def test_what_is_beyond_the_quota_is_refused_and_leaves_nothing(physics: Visitor) -> None:
    with pytest.raises(exceptions.Forbidden, match="Quota exceeded for cores, ram: Requested 8, 16384"):
        physics.boot("large", flavor="xlarge")
    assert physics.names() == []


def test_a_flavor_that_is_too_small_for_the_image_is_refused(biology: Visitor) -> None:
    with pytest.raises(exceptions.BadRequest, match="memory is too small"):
        biology.boot("small", flavor="tiny")


def test_a_server_that_no_host_can_have_is_accepted_and_ends_in_an_error(biology: Visitor) -> None:
    server = biology.until(biology.boot("homeless", flavor="nowhere"), "ERROR")
    assert "No valid host was found" in server.fault["message"]


def test_a_broken_image_ends_in_an_error_with_its_text(biology: Visitor) -> None:
    server = biology.until(biology.boot("broken", image="broken"), "ERROR")
    assert "the image has no kernel" in server.fault["message"]


def test_servers_outlive_a_killed_compute_service_which_finds_them_again(cloud: Cloud, biology: Visitor) -> None:
    staying = biology.until(biology.boot("staying"), "ACTIVE")
    ending = biology.until(biology.boot("ending", "#!/bin/sh\nwhile [ ! -e /pool/go ]; do sleep 0.1; done\n"), "ACTIVE")
    processes.kill(cloud.place, "compute")
    assert staying.id in processes.running(cloud.place)
    (cloud.place.instances / ending.id / "pool" / "go").touch()
    cloud.start(print)
    assert biology.until(staying, "ACTIVE").status == "ACTIVE"
    biology.until(ending, "SHUTOFF")
    staying.delete()
    biology.until_gone(staying)


def test_many_servers_at_a_time_are_made_and_deleted(biology: Visitor) -> None:
    servers = [biology.boot(f"many-{number}", SLEEPS) for number in range(8)]
    for server in servers:
        biology.until(server, "ACTIVE")
    for server in servers:
        server.delete()
    biology.until_gone(*servers)
    assert biology.names() == []
