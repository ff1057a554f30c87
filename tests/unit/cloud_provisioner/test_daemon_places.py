"""From descriptions and offers to the places that plans are made of: whose limits count, and when a place is silent."""

from __future__ import annotations

import pytest

from cloud_provisioner.amounts import Amount
from cloud_provisioner.daemon.places import STALE, Known, Use, place, place_names, vo_of, within
from cloud_provisioner.drivers.contract import Offer
from cloud_provisioner.planning.decisions import Boot
from cloud_provisioner.planning.places import Flavor, Limits, Site
from cloud_provisioner.planning.reasons import Reason
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.record import ANYONE, Purpose
from identity.caller import group_slug
from tests.unit.cloud_provisioner.provisioner_loop import described

NOW = 10_000.0
FLAVOR = Flavor("m2", Amount(2, 4096, 0), Amount(2, 4096, 0))


def made(own: dict[str, object] | None = None, elsewhere: Use | None = None, **offered: object) -> Site:
    """The place of a site whose cloud has offered this, of which nothing was ours."""
    fields: dict[str, object] = {"flavors": (FLAVOR,), "limits": Limits(), **offered}
    offer = Offer(**fields)  # type: ignore[arg-type]
    return place("A", described("A", limits=own or {}), ("*",), Known(offer, Use(), NOW), elsewhere or Use(), None, NOW)


def boot(site: str, count: int, purpose: Purpose = Purpose.SHARED) -> Boot:
    return Boot(site, FLAVOR, count, ANYONE, purpose, "g")


def test_a_site_with_one_project_is_one_place_of_its_own_name() -> None:
    assert place_names(described("A"), [("x", "y")]) == {"A": ("x", "y")}


def test_a_site_with_several_projects_is_a_place_for_each() -> None:
    found = place_names(described("A"), [("*",), ("b", "a"), ("c",)])
    assert found == {"A/others": ("*",), "A/a": ("b", "a"), "A/c": ("c",)}


@pytest.mark.parametrize(
    ("own", "offered", "limits", "foreign"),
    [
        ({}, {}, Limits(), 0),
        ({}, {"limits": Limits(5), "used_servers": 3}, Limits(5), 3),
        ({"servers": "2"}, {"limits": Limits(5), "used_servers": 3}, Limits(2), 0),
        ({"servers": "3"}, {"limits": Limits(5), "used_servers": 3}, Limits(5), 3),
        ({"servers": "3"}, {"used_servers": 30}, Limits(3), 0),
    ],
)
def test_others_servers_count_against_the_clouds_quota_and_not_against_the_admins_limits(
    own: dict[str, object], offered: dict[str, object], limits: Limits, foreign: int
) -> None:
    found = made(own, None, **offered)
    assert (found.limits, found.foreign_servers) == (limits, foreign)


def test_what_is_ours_is_no_others() -> None:
    offer = Offer((FLAVOR,), Limits(cores=20), Amount(10, 0, 0), 4)
    ours = Known(offer, Use(3, Amount(6, 0, 0)), NOW)
    found = place("A", described("A"), ("*",), ours, Use(), None, NOW)
    assert (found.foreign.cpus, found.foreign_servers) == (4, 0)


def test_what_other_projects_of_the_site_take_lowers_the_admins_limits() -> None:
    found = made({"cores": "10", "memory_gb": "10"}, Use(2, Amount(4, 4096, 0)))
    assert (found.limits.cores, found.limits.memory) == (6, 6 * 1024)


def test_everyones_project_does_not_serve_vos_that_have_their_own() -> None:
    site = described("A", vos={"*": {}, "vo.example.eu": {}})
    everyone = place("A/others", site, ("*",), Known(), Use(), None, NOW)
    own = place("A/vo.example.eu", site, ("vo.example.eu",), Known(), Use(), None, NOW)
    slug = group_slug("vo.example.eu")
    assert (everyone.vos, everyone.except_vos) == (frozenset[str](), frozenset({slug}))
    assert (own.vos, own.except_vos) == (frozenset({slug}), frozenset[str]())


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (Known(), Reason.UNKNOWN),
        (Known(Offer((), Limits()), Use(), NOW), Reason.NO_FLAVOR),
        (Known(Offer((FLAVOR,), Limits()), Use(), NOW), None),
        (Known(Offer((FLAVOR,), Limits()), Use(), NOW, Failure.AUTH, "No."), Reason.AUTH),
        (Known(Offer((FLAVOR,), Limits()), Use(), NOW, Failure.BAD_REQUEST, "No image."), Reason.BAD_REQUEST),
        (Known(Offer((FLAVOR,), Limits()), Use(), NOW, Failure.BUSY, "503."), None),
        (Known(Offer((FLAVOR,), Limits()), Use(), NOW - STALE - 1, Failure.BUSY, "503."), Reason.BUSY),
        (Known(Offer((FLAVOR,), Limits()), Use(), NOW + 9000, Failure.BUSY, "503."), Reason.BUSY),
        (Known(None, failure=Failure.BUSY, sentence="503."), Reason.BUSY),
    ],
)
def test_a_place_is_silent_where_its_answers_are_final_missing_or_too_old(known: Known, reason: Reason | None) -> None:
    found = known.silent("A", NOW)
    assert (found and found.reason) == reason


def test_users_are_not_told_of_files_and_accounts_and_admins_are() -> None:
    sentence = "`credentials`: the file /etc/prominence/secret cannot be read."
    found = Known(None, failure=Failure.AUTH, sentence=sentence).silent("A", NOW)
    assert found is not None
    assert found.phrase == "A cannot be used: its cloud does not let the service in"
    assert found.detail == f"A cannot be used ({sentence.rstrip('.')})"


def test_boots_stay_within_the_limits_of_the_whole_site() -> None:
    sites = {"A": described("A", limits={"servers": "4"}), "B": described("B")}
    boots = (boot("A/x", 2), boot("A/y", 3), boot("B", 9), boot("A/x", 1))
    allowed = within(boots, sites, {"A": Use(1, Amount(2, 4096, 0))})
    assert [(one.site, one.count) for one in allowed] == [("A/x", 2), ("A/y", 1), ("B", 9)]


def test_of_a_gang_no_part_is_booted() -> None:
    sites = {"A": described("A", limits={"cores": "5"})}
    assert within([boot("A", 3, Purpose.OWN), boot("A", 3)], sites, {}) == (boot("A", 2),)


def test_the_vo_of_a_server_is_that_of_its_binding() -> None:
    assert vo_of(("*", "vo.example.eu"), group_slug("vo.example.eu")) == "vo.example.eu"
    assert vo_of(("a", "*"), "other") == "*"
    assert vo_of(("a", "b"), None) == "a"
