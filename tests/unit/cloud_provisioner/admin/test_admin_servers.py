"""`servers`: every record, what becomes of it, and which can no longer be deleted."""

from __future__ import annotations

import time

import pytest

from cloud_provisioner.admin.servers import shown, told_apart
from cloud_provisioner.amounts import Amount
from cloud_provisioner.servers.record import Binding, Purpose
from cloud_provisioner.servers.states import State
from cloud_provisioner.servers.views import PoolView, Worker
from tests.unit.cloud_provisioner.admin.admin_service import AdminService
from tests.unit.cloud_provisioner.store.acting import intent

NOW = 1_800_000_000.0
ONE, TWO = "a" * 32, "b" * 32
LENT = """name: lent
driver: openstack
endpoint: https://keystone.example.org:5000/v3
credentials: {type: user_grant, identity_provider: egi.eu}
vos: {vo.a: {project_id: "12"}}
image: {name: worker}
"""


def test_servers_are_listed_with_state_time_and_whose_they_are(admin: AdminService) -> None:
    now = time.time()
    bound = intent(TWO, site="B/vo", since=now - 2.5 * 3600, state=State.DELETING, binding=Binding("ann", "vo_a"))
    admin.acting.store.write([intent(ONE, site="here", since=now - 4.5 * 3600), bound])
    code, out, err = admin.run("servers")
    _, two, one = (line.split("  ") for line in out.splitlines())
    assert code == 0
    assert "CONDOR_CONFIG is not set" in err
    assert [cell.strip() for cell in one if cell] == [
        "aaaaaaaa",
        "here",
        "small",
        "intended",
        "5 h",
        "-",
        "everybody's",
        "-",
    ]
    words = [cell.strip() for cell in two if cell]
    assert words[3:5] == ["deleting", "3 h"]
    assert words[6] == "ann in VO vo_a"


def test_only_those_of_a_site_are_listed_when_it_is_named(admin: AdminService) -> None:
    admin.acting.store.write([intent(ONE), intent(TWO, site="B/vo")])
    assert [one["uuid"] for one in admin.json("servers", "--site", "B")] == [TWO]
    assert [one["uuid"] for one in admin.json("servers", "--site", "B/vo")] == [TWO]
    assert admin.json("servers", "--site", "C") == []


def test_servers_that_an_admin_gives_back_are_marked(admin: AdminService) -> None:
    admin.acting.store.write([intent(ONE, site="A", unwanted=True), intent(TWO, site="B")])
    assert {one["uuid"]: one["unwanted"] for one in admin.json("servers")} == {ONE: True, TWO: False}
    assert "to be given back" in admin.run("servers", "--site", "A")[1]
    assert "to be given back" not in admin.run("servers", "--site", "B")[1]


def test_servers_of_a_site_that_no_file_describes_are_marked(admin: AdminService) -> None:
    admin.acting.store.write([intent(ONE, site="here/vo"), intent(TWO, site="gone")])
    _, gone, here = admin.run("servers")[1].splitlines()
    assert gone.endswith("no file describes its site")
    assert "file" not in here


def test_no_servers_is_a_sentence(admin: AdminService) -> None:
    assert admin.run("servers") == (0, "There are no servers.\n", "")


def test_servers_that_nobody_has_the_right_to_delete_are_marked(admin: AdminService) -> None:
    admin.describe("lent", LENT)
    made_with_a_grant = intent(ONE, site="lent", state=State.READY, binding=Binding("ann"), cloud_id="c-1")
    admin.acting.store.write([made_with_a_grant, intent(TWO, site="here", state=State.READY, cloud_id="c-2")])
    found = {one["uuid"]: one["undeletable"] for one in admin.json("servers")}
    assert found == {ONE: True, TWO: False}
    assert "nobody may delete it any more" in admin.run("servers", "--site", "lent")[1]


def test_the_pools_word_tells_how_many_jobs_run() -> None:
    size = Amount(2, 4096, 10_000)
    pool = PoolView({ONE: Worker(size, size, "c-1", jobs=3)})
    own = intent(ONE, state=State.READY, purpose=Purpose.OWN, preemptible=True, binding=Binding("ann"))
    _, row = shown([own], pool, (), NOW)
    assert row.split()[row.split().index("ready") + 3] == "3"
    assert "ann, one at a time" in row
    assert row.endswith("preemptible")


@pytest.mark.parametrize(
    ("uuids", "digits"), [([], 8), ([ONE, TWO], 8), ([ONE, "a" * 12 + "b" * 20], 13), ([ONE, ONE], 8)]
)
def test_as_many_digits_are_shown_as_tell_servers_apart(uuids: list[str], digits: int) -> None:
    assert told_apart(uuids) == digits
