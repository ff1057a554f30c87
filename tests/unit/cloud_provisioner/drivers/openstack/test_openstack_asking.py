"""What the driver asks of a cloud, and with how many requests: over real sockets, of a scripted server."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from cloud_provisioner.drivers.contract import Account, Order
from cloud_provisioner.drivers.openstack.calls import connect
from cloud_provisioner.servers.failures import Failure
from tests.unit.cloud_provisioner.drivers.openstack.scripted_cloud import (
    ENVIRON,
    JOIN_TOKEN,
    MAKE,
    ORDER,
    PASSWORD,
    TOKEN,
    UUID,
    ScriptedCloud,
    failure,
    flavor,
    refusal,
    site,
)


def test_a_connection_that_was_kept_is_used_again_but_never_for_a_create(
    cloud: ScriptedCloud, account: Account
) -> None:
    for _ in range(3):
        account.listing(0)
    account.create(ORDER)
    lists = {one.connection for one in cloud.asked if one.path.endswith("/servers/detail")}
    assert len(lists) == 1
    assert not lists & {one.connection for one in cloud.asked if one.method == "POST"}


def test_novaclient_leaves_nothing_in_the_home_directory(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    account.offer()
    account.create(ORDER)
    account.listing(0)
    account.delete("x")
    assert not list(tmp_path.iterdir())


def test_nothing_secret_is_logged(cloud: ScriptedCloud, account: Account, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    account.create(ORDER)
    account.listing(0)
    cloud.script(MAKE, refusal(400, "no"))
    failure(lambda: account.create(ORDER))
    assert caplog.text
    encoded = "IyEvYmluL3NoCmVjaG8g"  # how the script begins in base64
    for secret in (PASSWORD, JOIN_TOKEN, "token-1", encoded):
        assert secret not in caplog.text


def test_what_is_asked_for_is_one_server_that_can_be_found_again(cloud: ScriptedCloud, address: str) -> None:
    more = {"networks": ["private"], "availability_zones": ["north", "south"]}
    account = connect(site(address, **more), "bio", None, ENVIRON, 1.0)
    account.create(ORDER)
    account.create(Order(UUID, "x", "prominence", "m1.small", "bio", "", zone=1))
    first, second = (one.body["server"] for one in cloud.asked if one.path.endswith("/servers"))
    assert (first["min_count"], first["max_count"]) == (1, 1)
    assert first["metadata"] == {
        "prominence-server": UUID,
        "prominence-service": "prominence",
        "prominence-flavor": "m1.large",
    }
    assert (first["name"], first["flavorRef"]) == (ORDER.name, "id-m1.large")
    assert first["tags"] == ["prominence"]
    assert first["networks"] == [{"uuid": cloud.networks[0]["id"]}]
    assert not first.keys() & {"key_name", "security_groups", "config_drive"}
    assert (first["availability_zone"], second["availability_zone"]) == ("north", "south")


def test_zones_are_taken_in_turn_and_one_without_a_host_is_passed_over(cloud: ScriptedCloud, address: str) -> None:
    account = connect(site(address, availability_zones=["west", "north:h1", "south"]), "bio", None, ENVIRON, 1.0)
    for zone in range(4):
        account.create(Order(UUID, "x", "prominence", "m1.small", "bio", "", zone=zone))
    made = [one.body["server"]["availability_zone"] for one in cloud.asked if one.path.endswith("/servers")]
    assert made == ["north:h1", "north:h1", "south", "north:h1"]
    assert "`availability_zones`: west is no zone" in account.offer().notes[0]


def test_a_zone_that_is_refused_stops_nothing_where_there_is_another(cloud: ScriptedCloud, address: str) -> None:
    for names, refused in ((["north"], Failure.BAD_REQUEST), (["north", "south"], Failure.CAPACITY)):
        account = connect(site(address, availability_zones=names), "bio", None, ENVIRON, 1.0)
        account.offer()
        cloud.script(MAKE, refusal(400, "The requested availability zone is not available"))
        assert failure(partial(account.create, ORDER)) is refused
    cloud.zones["north"] = False
    account.create(ORDER)
    assert cloud.asked[-1].body["server"]["availability_zone"] == "south"


def test_an_old_nova_is_asked_in_its_own_words(cloud: ScriptedCloud, account: Account) -> None:
    cloud.microversions = ("", "")
    account.create(ORDER)
    server = next(one.body["server"] for one in cloud.asked if one.path.endswith("/servers"))
    assert not server.keys() & {"tags", "networks"}


def test_where_the_site_names_no_network_the_cloud_chooses(cloud: ScriptedCloud, account: Account) -> None:
    account.create(ORDER)
    assert next(one.body["server"] for one in cloud.asked if one.path.endswith("/servers"))["networks"] == "auto"


def test_a_script_that_nova_does_not_take_is_not_sent(cloud: ScriptedCloud, account: Account) -> None:
    order = Order(UUID, "x", "prominence", "m1.large", "bio", "#" * 50_000)
    assert failure(lambda: account.create(order)) is Failure.BAD_REQUEST
    assert cloud.count(MAKE) == 0


def test_a_flavor_that_is_gone_is_looked_for_again(cloud: ScriptedCloud, account: Account) -> None:
    account.offer()
    cloud.script(MAKE, refusal(400, "Flavor id-m1.large could not be found."))
    failure(lambda: account.create(ORDER))
    cloud.flavors = [flavor("m1.large", 4, 8192, 80) | {"id": "new"}]
    account.create(ORDER)
    made = [one.body["server"]["flavorRef"] for one in cloud.asked if one.path.endswith("/servers")]
    assert made == ["id-m1.large", "new"]


def test_many_threads_sign_in_once(cloud: ScriptedCloud, account: Account) -> None:
    start = threading.Barrier(8)

    def listing() -> None:
        start.wait(10)
        account.listing(0)

    with ThreadPoolExecutor(8) as pool:
        for one in [pool.submit(listing) for _ in range(8)]:
            one.result(20)
    assert cloud.count(TOKEN) == 1
    assert cloud.count(("GET", r"/compute/v2\.1/")) == 1


def test_a_token_that_many_threads_find_refused_stops_none_of_them(cloud: ScriptedCloud, account: Account) -> None:
    account.listing(0)
    cloud.ended.add("token-1")
    start = threading.Barrier(6)

    def listing() -> None:
        start.wait(10)
        account.listing(0)

    with ThreadPoolExecutor(6) as pool:
        for one in [pool.submit(listing) for _ in range(6)]:
            one.result(20)
    assert 2 <= cloud.count(TOKEN) <= 7
