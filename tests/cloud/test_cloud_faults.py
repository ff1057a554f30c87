"""What goes wrong in the cloud of the tests goes wrong as it was asked to, and only then."""

from __future__ import annotations

import time

import pytest
import requests
from keystoneauth1 import exceptions as network
from novaclient import exceptions

from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.hypervisor import Fault, set_faults
from tests.cloud.openstack.rules import BUSY, CREATE, DELETE, HTML, LIST, Orders, Rule
from tests.cloud.visitor import Visitor

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (Rule(**CREATE, status=503), exceptions.ClientException),
        (Rule(**CREATE, cut=True), network.ConnectFailure),
    ],
    ids=["503", "cut"],
)
def test_an_answer_is_lost_and_the_server_is_there(
    orders: Orders, biology: Visitor, rule: Rule, error: type[Exception]
) -> None:
    orders.rules(rule)
    with pytest.raises(error):
        biology.boot("made")
    assert biology.names() == ["made"]
    assert orders.used() == [1]


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (Rule(**CREATE, pass_on=False, status=503, **BUSY), exceptions.ClientException),
        (Rule(**CREATE, pass_on=False, cut=True), network.ConnectFailure),
        (Rule(**CREATE, pass_on=False, status=429, headers={"Retry-After": "7"}), exceptions.RateLimit),
    ],
    ids=["503", "cut", "429"],
)
def test_a_request_is_refused_and_no_server_is_made(
    orders: Orders, biology: Visitor, rule: Rule, error: type[Exception]
) -> None:
    orders.rules(rule)
    with pytest.raises(error):
        biology.boot("never")
    assert biology.names() == []


def test_a_request_that_waits_too_long_is_carried_out_all_the_same(orders: Orders, biology: Visitor) -> None:
    orders.rules(Rule(**CREATE, before=2))
    biology.session.timeout = 1
    with pytest.raises(network.ConnectTimeout):
        biology.boot("late")
    biology.session.timeout = 30
    assert biology.names() == []
    deadline = time.monotonic() + 30
    while biology.names() != ["late"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_list_leaves_out_servers_or_breaks_off(orders: Orders, biology: Visitor) -> None:
    for name in ("here", "hidden"):
        biology.boot(name)
    orders.rules(Rule(**LIST, omit="hid.*", times=1), Rule(**LIST, half=True, times=1))
    assert biology.names() == ["here"]
    with pytest.raises(network.UnknownConnectionError):
        biology.names()
    assert biology.names() == ["here", "hidden"]


def test_keystone_answers_with_a_web_page(orders: Orders, cloud: Cloud) -> None:
    orders.rules(Rule(service="identity", pass_on=False, status=200, **HTML))
    answer = requests.get(cloud.place.keystone, timeout=10)
    assert answer.status_code == 200
    assert answer.text.startswith("<html>")


def test_requests_are_counted(orders: Orders, biology: Visitor) -> None:
    biology.names()
    orders.forget()
    begun = time.time()
    biology.names()
    asked = orders.requests()
    assert [(each.service, each.method, each.path, each.status) for each in asked] == [
        ("compute", "GET", "/v2.1/servers/detail", 200)
    ]
    assert begun <= asked[0].at <= time.time()


def test_keystone_has_a_certificate_of_its_own_authority(cloud: Cloud) -> None:
    address, folder = cloud.place.keystone_by_tls, cloud.place.certificates
    answer = requests.get(address, verify=str(folder / "ca.pem"), timeout=10).json()
    assert answer["version"]["links"][0]["href"].startswith(f"{address}/")
    for wrong in (folder / "other-ca.pem", None):
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(address, verify=str(wrong) if wrong else True, timeout=10)


def test_a_server_stays_in_build_and_can_be_deleted(cloud: Cloud, biology: Visitor) -> None:
    set_faults(cloud.place, Fault("build", "hang", servers="stuck*"))
    stuck, other = biology.boot("stuck-1"), biology.boot("other")
    biology.until(other, "ACTIVE")
    assert biology.nova.servers.get(stuck.id).status == "BUILD"
    stuck.delete()
    biology.until_gone(stuck)


def test_a_server_cannot_be_deleted_until_it_can(cloud: Cloud, biology: Visitor) -> None:
    server = biology.until(biology.boot("staying"), "ACTIVE")
    set_faults(cloud.place, Fault("delete", "fail", text="the disk is busy"))
    server.delete()
    assert biology.until(server, "ERROR").fault["message"] == "the disk is busy"
    set_faults(cloud.place)
    server.delete()
    biology.until_gone(server)


def test_a_server_ends_in_an_error_once(cloud: Cloud, biology: Visitor) -> None:
    set_faults(cloud.place, Fault("build", "fail", text="no room", times=1))
    assert "no room" in biology.until(biology.boot("first"), "ERROR").fault["message"]
    biology.until(biology.boot("second"), "ACTIVE")


def test_a_server_may_be_slow_or_never_run_its_user_data(cloud: Cloud, biology: Visitor) -> None:
    set_faults(cloud.place, Fault("build", "wait", seconds=3, servers="slow"), Fault("build", "deaf", servers="deaf"))
    says = "#!/bin/sh\necho begun\nexec sleep 600\n"
    begun = time.monotonic()
    slow, deaf = biology.boot("slow", says), biology.boot("deaf", says)
    biology.until_it_says(biology.until(slow, "ACTIVE"), "begun")
    assert time.monotonic() - begun > 3
    assert biology.nova.servers.get_console_output(biology.until(deaf, "ACTIVE")) == ""


def test_metadata_asks_for_faults_as_well(biology: Visitor) -> None:
    server = biology.boot("asked", meta={"fault": "build:fail:as it was asked"})
    assert "as it was asked" in biology.until(server, "ERROR").fault["message"]


def test_a_deletion_may_be_refused(orders: Orders, biology: Visitor) -> None:
    server = biology.until(biology.boot("kept"), "ACTIVE")
    orders.rules(Rule(**DELETE, pass_on=False, status=409, **BUSY))
    with pytest.raises(exceptions.Conflict):
        server.delete()
    assert biology.names() == ["kept"]
