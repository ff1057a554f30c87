"""A list of an OpenStack project's servers: all of ours, whatever their number, and never silently short."""

from __future__ import annotations

from typing import Any

import pytest

from cloud_provisioner.drivers.contract import Account, CloudRefused
from cloud_provisioner.drivers.openstack.servers import of_fault
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import Listed, Status
from tests.unit.cloud_provisioner.drivers.openstack.scripted_cloud import (
    LIST,
    Answer,
    ScriptedCloud,
)

NEXT = [{"rel": "next", "href": "http://elsewhere.invalid/servers/detail?marker=x"}]


def server(number: int, status: str = "ACTIVE", **more: object) -> dict[str, Any]:
    """A server of ours as Nova shows it."""
    ours = {"prominence-server": f"{number:032x}", "prominence-service": "a", "prominence-flavor": "m1.small"}
    return {"id": f"id-{number}", "name": f"n{number}", "status": status, "metadata": ours, "tags": [], **more}


def test_servers_are_found_by_their_metadata_alone(cloud: ScriptedCloud, account: Account) -> None:
    cloud.servers = [
        server(1),
        server(2, "BUILD", **{"OS-EXT-STS:task_state": "spawning"}),
        server(3, metadata={}),
        server(4, metadata={"prominence-server": "not-ours"}),
        server(5, metadata={"prominence-server": f"{5:032x}"}),
        server(6, "DELETED"),
        server(7, "SOFT_DELETED"),
        server(1) | {"id": "twin"},
    ]
    view = account.listing(17.5)
    assert (view.begun_at, view.complete) == (17.5, True)
    assert view.servers.keys() == {f"{number:032x}" for number in (1, 2, 5)}
    assert [one.cloud_id for one in view.servers[f"{1:032x}"]] == ["id-1", "twin"]
    assert view.servers[f"{2:032x}"] == (Listed("id-2", f"{2:032x}", "a", Status.BUILD, "m1.small"),)
    assert view.servers[f"{5:032x}"][0].service == "", "of nobody's service, so that nobody touches it"


STATUSES = {
    Status.BUILD: "BUILD REBUILD",
    Status.ACTIVE: "ACTIVE REBOOT HARD_REBOOT MIGRATING RESIZE PASSWORD VERIFY_RESIZE REVERT_RESIZE NEWLY_INVENTED",
    Status.ERROR: "ERROR",
    Status.STOPPED: "SHUTOFF PAUSED SUSPENDED RESCUE SHELVED SHELVED_OFFLOADED",
}


def test_each_status_of_novas_has_its_meaning(cloud: ScriptedCloud, account: Account) -> None:
    for status, names in STATUSES.items():
        cloud.servers = [server(number, name) for number, name in enumerate(names.split())]
        assert {one.status for found in account.listing(0).servers.values() for one in found} == {status}


FAULTS = [
    ("No valid host was found. There are not enough hosts available.", Failure.CAPACITY),
    ("No valid host was found. No host has an image of this kind", Failure.CAPACITY),
    ("Exceeded maximum number of retries. Exhausted all hosts available for instance x.", Failure.CAPACITY),
    ("No more IP addresses available on network x.", Failure.CAPACITY),
    ("Failed to allocate the network(s) with error No fixed IP addresses available for network: x", Failure.CAPACITY),
    ("Quota exceeded for instances: Requested 1, but already used 10 of 10 instances", Failure.QUOTA),
    ("Maximum number of ports exceeded", Failure.QUOTA),
    ("Build of instance x aborted: Image y is unacceptable: Image has no associated data", Failure.BAD_REQUEST),
    ("Build of instance x aborted: Flavor's disk is too small for requested image.", Failure.BAD_REQUEST),
    ("Build of instance x aborted: Failed to allocate the network(s), not rescheduling.", Failure.BUSY),
    ("Timed out waiting for a reply to message ID x", Failure.BUSY),
    ("Something else", None),
    ("", None),
]


@pytest.mark.parametrize(("message", "failure"), FAULTS)
def test_a_fault_is_about_what_it_says(message: str, failure: Failure | None) -> None:
    assert of_fault(message) is failure


def test_an_error_tells_its_failure(cloud: ScriptedCloud, account: Account) -> None:
    fault = {"code": 500, "message": "No valid host was found.", "created": "2026-01-01T00:00:00Z"}
    cloud.servers = [server(1, "ERROR", fault=fault), server(2, "ERROR"), server(3, "ACTIVE", fault=fault)]
    found = {one.cloud_id: one.failure for (one,) in account.listing(0).servers.values()}
    assert found == {"id-1": Failure.CAPACITY, "id-2": None, "id-3": None}


def test_a_list_in_pages_is_read_to_its_end(cloud: ScriptedCloud, account: Account) -> None:
    pages = [[server(number) for number in range(first, first + 100)] for first in (0, 100, 200)]
    more = [Answer(200, {"servers": page, "servers_links": NEXT}) for page in pages[:2]]
    cloud.script(LIST, *more, Answer(200, {"servers": pages[2]}))
    view = account.listing(0)
    assert (len(view.servers), view.complete) == (300, True)
    assert cloud.count(LIST) == 3


def test_a_list_that_breaks_off_between_pages_is_refused(cloud: ScriptedCloud, account: Account) -> None:
    cloud.script(LIST, Answer(200, {"servers": [server(1)], "servers_links": NEXT}), Answer(503, ""))
    with pytest.raises(CloudRefused) as caught:
        account.listing(0)
    assert caught.value.failure is Failure.BUSY


def test_a_list_without_an_end_is_refused(cloud: ScriptedCloud, account: Account) -> None:
    again = Answer(200, {"servers": [server(1)], "servers_links": NEXT})
    cloud.script(LIST, *[again] * 20)
    with pytest.raises(CloudRefused, match="has no end"):
        account.listing(0)
    assert cloud.count(LIST) == 2


def test_a_list_is_not_complete_while_a_part_of_the_cloud_is_down(cloud: ScriptedCloud, account: Account) -> None:
    cloud.servers = [server(1), {"id": "id-2", "status": "UNKNOWN", "tenant_id": "x", "links": []}]
    view = account.listing(0)
    assert not view.complete
    assert len(view.servers) == 1


@pytest.mark.parametrize("servers", [None, {}, "x", [1], [{"id": "../x"}], [{"id": "a", "metadata": []}]])
def test_a_list_of_another_kind_is_refused(cloud: ScriptedCloud, account: Account, servers: Any) -> None:
    cloud.servers = servers
    with pytest.raises(CloudRefused, match="does not answer as OpenStack does") as caught:
        account.listing(0)
    assert caught.value.failure is Failure.BAD_REQUEST


def test_a_thousand_servers_are_one_request(cloud: ScriptedCloud, account: Account) -> None:
    cloud.servers = [server(number, addresses={"private": [{"addr": "10.0.0.1"}]}) for number in range(1000)]
    account.listing(0)
    before = len(cloud.asked)
    assert len(account.listing(0).servers) == 1000
    assert len(cloud.asked) == before + 1


ODD = [{"fault": {"message": None}}, {"fault": "x"}, {"fault": []}, {"fault": None}, {"status": None}, {"status": 3}]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_a_server_that_says_nothing_of_how_it_is_keeps_no_list_back(
    cloud: ScriptedCloud, account: Account, odd: dict[str, object]
) -> None:
    cloud.servers = [server(1, "ERROR"), server(2, "ERROR") | odd, server(3, "ERROR", metadata={}) | odd]
    view = account.listing(0)
    assert view.complete
    assert view.servers.keys() == {f"{number:032x}" for number in (1, 2)}
    assert view.servers[f"{2:032x}"][0].failure is None


def test_anothers_server_that_cannot_be_understood_is_left_out(cloud: ScriptedCloud, account: Account) -> None:
    cloud.servers = [server(1), {"id": "../x", "metadata": {"a": "b"}}, {"id": "y", "metadata": {"a": ["b"]}}]
    view = account.listing(0)
    assert (list(view.servers), view.complete) == ([f"{1:032x}"], True)


def test_a_list_with_one_of_ours_that_cannot_be_understood_is_not_complete(
    cloud: ScriptedCloud, account: Account
) -> None:
    for odd in (server(2) | {"id": "../x"}, {"id": "../x"}, 17):
        cloud.servers = [server(1), odd]  # type: ignore[list-item]
        view = account.listing(0)
        assert (list(view.servers), view.complete) == ([f"{1:032x}"], False)


def test_an_odd_server_at_a_pages_end_does_not_end_the_list(cloud: ScriptedCloud, account: Account) -> None:
    first = Answer(200, {"servers": [server(1), {"name": "without an id", "metadata": {}}], "servers_links": NEXT})
    cloud.script(LIST, first, Answer(200, {"servers": [server(2)]}))
    view = account.listing(0)
    assert (len(view.servers), view.complete) == (2, True)
