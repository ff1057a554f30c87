"""Several clouds: which one is used, what happens when one is full or wrong, and what jobs are told meanwhile."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.cloud.house import House, until
from tests.cloud.openstack import people
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.rules import HTML, Orders, Rule
from tests.cloud.visitor import Visitor
from tests.pool.conftest import User
from tests.pool.gates import gates

pytestmark = pytest.mark.timeout(400)


def at(*sites: str) -> Mapping[str, object]:
    return {"placement": {"requirements": {"sites": list(sites)}}}


def why(user: User, number: int) -> str:
    return str(user.describe(number).get("statusReason", ""))


def trouble(house: House, site: str) -> str:
    health = house.health(site)
    return health.trouble if health else ""


def test_the_first_tier_is_filled_up_then_the_next_one_is_used_and_what_waits_says_for_what(
    house: House, cloud: Cloud, other_cloud: Cloud, physics: Visitor
) -> None:
    house.describe("A", cloud.place, vos={"*": {"project_name": "physics"}}, tier=0, keep_alive=1)
    house.describe("B", other_cloud.place, tier=1)
    provisioner = house.start()
    alice = house.user()
    with gates() as held:
        jobs = [house.submit(alice, held.task("/go"), policies=at("A", "B")) for _ in range(3)]
        until(lambda: held.waits["/go"] == 3, 120, lambda: ([why(alice, job) for job in jobs], provisioner.said()))
        assert len(physics.names()) == 2
        assert sorted(one.site for one in house.records()) == ["A", "A", "B"]
        fourth = house.submit(alice, "true", policies=at("A"))
        until(lambda: "quota" in why(alice, fourth), why=lambda: alice.describe(fourth))
        assert why(alice, fourth) == "waiting: site A's quota is used up (2 of 2 servers)"
        assert alice.describe(fourth)["status"] == "idle"
        held.open("/go")
    shown = [alice.wait(job, seconds=120) for job in (*jobs, fourth)]
    assert [one["status"] for one in shown] == ["completed"] * 4, provisioner.said()
    assert sorted(one["execution"]["site"] for one in shown) == ["A", "A", "A", "B"]
    until(lambda: not house.records(), why=house.records)
    provisioner.stop()


def test_a_site_is_added_while_running_and_a_mistake_in_its_file_keeps_what_was_in_force(
    house: House, cloud: Cloud
) -> None:
    provisioner = house.start()
    alice = house.user()
    number = house.submit(alice, policies=at("A"))
    until(lambda: why(alice, number) == "waiting: no site is configured that could run it")
    house.describe("A", cloud.place, keep_alive=0)
    until(lambda: house.health("A"))
    house.write("A.yaml", '{"name": "A",\n "driver": "openstack",\n "flavours": {}}')
    problem = f"{house.instance.home.sites}/A.yaml:3: flavours: "
    until(lambda: problem in provisioner.said(), why=provisioner.said)
    told = next(line for line in provisioner.said().splitlines() if problem in line)
    assert "`flavors`" in told, told
    assert alice.wait(number, seconds=120)["execution"]["site"] == "A"
    until(lambda: not house.records(), why=house.records)
    provisioner.stop()


MISTAKES: Mapping[str, tuple[Mapping[str, object], str]] = {
    # what is said of the site, and with what the sentence about it begins that admins are told
    "password": (
        {"credentials": {"type": "password", "username": people.USER, "password": {"env": "WRONG"}}},
        "cannot be used (`credentials.password`: Keystone refuses the user prominence of the domain Default with the password",
    ),
    "authority": ({}, "cannot be used (`ca_certificate`: "),
    "html": ({}, "cannot be used (`endpoint`: what is at "),
    "image": ({"image": {"name": "gone"}}, "cannot be used (`image.name`: "),
    "project": (
        {"vos": {"*": {"project_name": "nowhere"}}},
        'cannot be used (`vos["*"].project_name`: there is no project nowhere of the domain Default into which',
    ),
    "flavor": (
        {"flavors": {"names": ["tiny"], "min_memory_gb": 0}},
        "has no flavor that can be used (`flavors`: tiny is left out: it has 1 GB of disk, the image needs 4)",
    ),
}


def test_what_is_wrong_with_a_site_is_told_with_file_key_and_remedy_and_the_others_go_on(
    house: House, cloud: Cloud, other_cloud: Cloud
) -> None:
    secure = {
        "endpoint": other_cloud.place.keystone_by_tls,
        "ca_certificate": str(other_cloud.place.certificates / "other-ca.pem"),
    }
    Orders(other_cloud.place).rules(Rule(service="identity", pass_on=False, status=200, **HTML))
    for name, (more, _) in MISTAKES.items():
        place = other_cloud.place if name in ("html", "authority") else cloud.place
        house.describe(name, place, **(secure if name == "authority" else more))
    house.describe("sound", cloud.place, tier=9, keep_alive=0)
    provisioner = house.start(environ={"WRONG": "wrong"})
    alice = house.user()
    anywhere = house.submit(alice, policies=at(*MISTAKES, "sound"))
    stuck = {name: house.submit(alice, policies=at(name)) for name in MISTAKES}
    assert alice.wait(anywhere, seconds=120)["execution"]["site"] == "sound"
    for name, (_, sentence) in MISTAKES.items():
        # Users are told that it is so, and nothing of keys, files and accounts.
        expected = f"waiting: {name} {sentence.partition(' (')[0]}"
        until(lambda: why(alice, stuck[name]).startswith(expected), why=lambda: why(alice, stuck[name]))  # noqa: B023
        assert "`" not in why(alice, stuck[name])
        expected = f"{house.instance.home.sites}/{name}.yaml: {name} {sentence}"
        # Until the cloud has answered for the first time, it has not said yet what it has to offer.
        until(lambda: trouble(house, name).startswith(expected), why=lambda: trouble(house, name))  # noqa: B023
    listed = house.admin("sites")
    for name, (_, sentence) in MISTAKES.items():
        assert f"{name}.yaml: {name} {sentence}" in listed, listed
    sound = house.health("sound")
    assert sound is not None
    assert sound.trouble == ""
    provisioner.stop()
