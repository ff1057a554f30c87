"""What the planner decides: what is booted where, what is given back, and what waiting jobs are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from cloud_provisioner.amounts import Amount
from cloud_provisioner.planning.demand import Group, Needs, Placement, Scaling
from cloud_provisioner.planning.past import ROOM_LASTS, Past, Room, accepted, booted, failed
from cloud_provisioner.planning.places import Flavor, Limits, Silence, Site
from cloud_provisioner.planning.plan import Plan, plan
from cloud_provisioner.planning.reasons import Reason
from cloud_provisioner.planning.supply import Server
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.record import Binding, Purpose
from cloud_provisioner.servers.states import State

GB = 1024
NOW = 1000.0
UNTROUBLED = Past()
LESS = Amount(2, 3 * GB, 90 * GB)
"""What is left of a worker of two cores, of whose memory the half is gone."""


def amount(cpus: int, gigabytes: int | None = None) -> Amount:
    return Amount(cpus, (gigabytes or 4 * cpus) * GB, 100 * GB)


def flavor(cpus: int, **more: object) -> Flavor:
    return Flavor(f"m{cpus}", amount(cpus), amount(cpus), price=cpus * 0.1, **more)  # type: ignore[arg-type]


def site(name: str, cores: int | None = 64, sizes: tuple[int, ...] = (2, 4, 8), **more: object) -> Site:
    return Site(name, tuple(map(flavor, sizes)), limits=Limits(cores=cores), **more)  # type: ignore[arg-type]


def group(count: int = 1, cpus: int = 1, key: str = "g", **more: object) -> Group:
    needs = more.pop("needs", Needs(cpus, cpus, memory=GB, disk=GB))
    more = {"user": "ann", "vo": "vo", "since": NOW - 10, **more}
    return Group(key, count, needs, **more)  # type: ignore[arg-type]


def gang(nodes: int, cpus: int = 4, **more: object) -> Group:
    return group(needs=Needs(cpus, cpus, memory=GB, disk=GB, nodes=nodes), **more)  # type: ignore[arg-type]


def server(uuid: str, state: State = State.READY, cpus: int = 8, free: int = 8, **more: object) -> Server:
    idle = 0.0 if state is State.READY and free == cpus else None
    fields: dict[str, object] = {"site": "A", "flavor": f"m{cpus}", "size": amount(cpus), "idle_since": idle, **more}
    room = amount(free) if free else Amount(0, 0, 0)
    return Server(uuid, state=state, room=room, **fields)  # type: ignore[arg-type]


def made(demand: list[Group], sites: list[Site], servers: Sequence[Server] = (), past: Past = UNTROUBLED) -> Plan:
    found = plan(demand, servers, sites, past, NOW)
    for one in demand:
        assert sum(reason.count for reason in found.reasons if reason.group == one.key) == one.count
    return found


def joined(cpus: int, room: Amount | None = None, at: float = NOW) -> Room:
    """What a worker of a flavor had: what was promised, or less."""
    return Room(amount(cpus), room or amount(cpus), at)


def booked(found: Plan) -> list[tuple[str, str, int]]:
    return [(boot.site, boot.flavor.name, boot.count) for boot in found.boots]


def codes(found: Plan) -> list[tuple[Reason, int]]:
    return [(reason.reason, reason.count) for reason in found.reasons]


LARGE = group(3, needs=Needs(1, 1, memory=7 * GB))
"""Jobs that only a worker with all its room takes, one at a time."""


def test_small_jobs_are_packed_onto_shared_workers() -> None:
    found = made([group(10)], [site("A")])
    assert booked(found) == [("A", "m8", 1), ("A", "m2", 1)]
    assert codes(found) == [(Reason.DEPLOYING, 10)]


def test_dedicated_jobs_get_a_worker_each() -> None:
    found = made([group(3, scaling=Scaling.DEDICATED)], [site("A")])
    assert booked(found) == [("A", "m2", 3)]
    assert {(boot.purpose, boot.binding.user) for boot in found.boots} == {(Purpose.OWN, "ann")}


def test_room_that_is_there_or_coming_is_used_before_anything_is_booted() -> None:
    servers = [server("u1", free=3), server("u2", State.BUILDING)]
    found = made([group(11)], [site("A")], servers)
    assert booked(found) == []
    assert codes(found) == [(Reason.MATCHING, 3), (Reason.DEPLOYING, 8)]


def test_a_job_without_scaling_waits_for_present_workers() -> None:
    found = made([group(5, scaling=Scaling.NONE)], [site("A")], [server("u1", free=2)])
    assert (booked(found), codes(found)) == ([], [(Reason.MATCHING, 2), (Reason.NO_SCALING, 3)])


def test_local_first_then_group_a_then_b() -> None:
    sites = [site("b", 8, tier=2), site("a", 8, tier=1), site("local", 8, tier=0)]
    assert [boot[0] for boot in booked(made([group(24)], sites))] == ["local", "a", "b"]


def test_a_preference_comes_before_the_tier_and_a_requirement_excludes() -> None:
    sites = [site("A", tier=0), site("B", tier=1, region="north")]
    assert booked(made([group(2, preferred=Placement(frozenset({"B"})))], sites))[0][0] == "B"
    assert booked(made([group(2, required=Placement(regions=frozenset({"north"})))], sites))[0][0] == "B"
    assert codes(made([group(2, required=Placement(frozenset({"C"})))], sites)) == [(Reason.UNPLACED, 2)]


def test_a_gang_goes_to_one_site_all_or_none() -> None:
    found = made([gang(4)], [site("A", 12), site("B", 16, tier=1)])
    assert booked(found) == [("B", "m4", 4)]
    nowhere = made([gang(4)], [site("A", 12), site("B", 12)])
    assert (booked(nowhere), codes(nowhere)) == ([], [(Reason.TOO_MANY_NODES, 1)])


def test_two_gangs_never_take_half_of_the_quota_each() -> None:
    found = made([gang(2, key="g1"), gang(2, key="g2")], [site("A", 12)])
    assert booked(found) == [("A", "m4", 2)]
    assert codes(found) == [(Reason.DEPLOYING, 1), (Reason.QUOTA, 1)]


def test_a_failed_node_of_a_gang_is_replaced_where_the_others_are() -> None:
    own = {"purpose": Purpose.OWN, "binding": Binding("ann"), "site": "B"}
    others = [server(f"u{number}", State.JOINING, 4, 4, **own) for number in range(3)]
    assert booked(made([gang(4)], [site("A"), site("B", tier=1)], others)) == [("B", "m4", 1)]


def test_a_gang_that_cannot_be_completed_gives_its_nodes_back() -> None:
    own = {"purpose": Purpose.OWN, "binding": Binding("ann"), "site": "B"}
    others = [server(f"u{number}", State.READY, 4, 4, **own) for number in range(3)]
    found = made([gang(4)], [site("A"), site("B", 12, tier=1)], others)
    assert booked(found) == [("A", "m4", 4)]
    assert found.drain == ("u0", "u1", "u2")


def test_quota_is_kept_for_a_gang_that_has_waited_long() -> None:
    busy = [server("u1", cpus=8, free=0)]
    old = gang(4, since=NOW - 2000, key="old")
    assert booked(made([old, group(1)], [site("A", 20)], busy)) == []
    assert booked(made([gang(4, key="new"), group(1)], [site("A", 20)], busy)) == [("A", "m2", 1)]


def test_total_cpus_range_gives_the_number_of_nodes() -> None:
    needs = Needs(1, 8, memory=GB, total_cpus=(10, 16))
    assert booked(made([group(needs=needs)], [site("A")])) == [("A", "m8", 2)]


def test_a_range_of_cpus_fits_on_what_there_is() -> None:
    assert Needs(2, 16, memory_per_cpu=4 * GB).fit(amount(8, 24)) == Amount(6, 24 * GB, 0)
    assert Needs(2, 8, options=(2, 8)).fit(amount(4)) == Amount(2, 0, 0)
    assert Needs(4, 8).fit(amount(2)) is None


def test_full_sites_sites_in_back_off_and_small_sites_are_all_named() -> None:
    big = Needs(4, 4, memory=24 * GB)
    sites = [site("A", 8), site("B"), site("C", sizes=(4,))]
    past = failed(failed(Past(), "B", "m8", Failure.BOOT, NOW - 1), "B", "m8", Failure.BOOT, NOW)
    found = made([group(needs=big)], sites, [server("u1", free=0)], past)
    assert found.reasons[0].reason is Reason.QUOTA
    assert found.reasons[0].sentence == (
        "waiting: site A's quota is used up (8 of 8 cores); B tries again in 59 s after 2 failed boots;"
        " C has no flavor with 24 GB"
    )
    assert found.reasons[0].until == NOW + 59


@pytest.mark.parametrize(
    ("job", "place", "reason"),
    [
        (group(), replace(site("A"), vos=frozenset({"x"})), Reason.NO_VO),
        (group(), replace(site("A"), grants=frozenset()), Reason.GRANT),
        (group(), replace(site("A"), enabled=False), Reason.DISABLED),
        (group(walltime=7200), replace(site("A"), longest_job=3600), Reason.TOO_LONG),
        (group(cpus=64), site("A"), Reason.NO_FLAVOR),
        (group(leaves_at=NOW + 100), site("A"), Reason.LEAVES_SOON),
        (group(), replace(site("A"), starting=0), Reason.QUOTA),
    ],
)
def test_each_obstacle_has_its_code(job: Group, place: Site, reason: Reason) -> None:
    past = Past(boot_times={("A", f"m{cpus}"): 300.0 for cpus in (2, 4, 8)})
    assert made([job], [place], past=past).reasons[0].reason is reason


def test_without_sites_there_is_a_reason_too() -> None:
    assert codes(made([group(3)], [])) == [(Reason.NO_SITES, 3)]


@pytest.mark.parametrize(
    ("failure", "where", "code"),
    [
        (Failure.AUTH, "B", Reason.DEPLOYING),
        (Failure.BOOT, "B", Reason.DEPLOYING),
        (Failure.CAPACITY, "A", Reason.DEPLOYING),
    ],
)
def test_after_a_failure_the_next_flavor_or_site_is_tried(failure: Failure, where: str, code: Reason) -> None:
    past = failed(Past(), "A", "m8", failure, NOW)
    found = made([group(8)], [site("A"), site("B", tier=1)], past=past)
    assert (found.boots[0].site, found.reasons[0].reason) == (where, code)
    assert (found.boots[0].site, found.boots[0].flavor.name) != ("A", "m8")


def test_one_probe_before_full_use() -> None:
    past = failed(Past(), "A", "m8", Failure.BOOT, NOW - 500)
    found = made([group(32)], [site("A")], past=past)
    assert booked(found) == [("A", "m8", 1)]
    assert codes(found) == [(Reason.DEPLOYING, 8), (Reason.PROBING, 24)]
    waits = made([group(32)], [site("A")], [server("u1", State.BUILDING, made_at=NOW - 100)], past)
    assert (booked(waits), codes(waits)[1]) == ([], (Reason.PROBING, 24))
    assert (
        sum(count for *_, count in booked(made([group(32)], [site("A")], past=booted(past, "A", "m8", 60, joined(8)))))
        == 4
    )


def test_a_gang_probes_with_one_node() -> None:
    past = failed(Past(), "A", "m4", Failure.BOOT, NOW - 500)
    assert booked(made([gang(4)], [site("A")], past=past)) == [("A", "m4", 1)]


def test_a_refusal_for_quota_waits_for_a_release() -> None:
    past = failed(Past(), "A", "m8", Failure.QUOTA, NOW - 1, cores=16)
    full = [server("u1", free=0), server("u2", free=0)]
    assert codes(made([group()], [site("A")], full, past)) == [(Reason.QUOTA, 1)]
    assert codes(made([group()], [site("A")], full[:1], past)) == [(Reason.DEPLOYING, 1)]


def test_a_release_is_seen_beside_others_who_use_the_quota() -> None:
    past = failed(Past(), "A", "m8", Failure.QUOTA, NOW - 1, cores=16)
    shared = replace(site("A"), foreign=amount(16), foreign_servers=2)
    assert codes(made([group()], [shared], [server("u1", free=0)], past)) == [(Reason.DEPLOYING, 1)]


def test_failures_of_one_wave_back_off_once_and_waves_double() -> None:
    past = failed(failed(Past(), "A", "m8", Failure.CAPACITY, 0), "A", "m8", Failure.CAPACITY, 1)
    trouble = past.troubles["A", "m8", None][Failure.CAPACITY]
    assert (trouble.failures, trouble.until) == (2, 60)
    assert failed(past, "A", "m8", Failure.CAPACITY, 60).troubles["A", "m8", None][Failure.CAPACITY].until == 180
    assert not accepted(failed(Past(), "A", "m8", Failure.AUTH, 0, user="ann"), "A", "ann").troubles


def test_a_wave_without_capacity_is_of_one_zone_and_a_success_keeps_the_zone_that_had_room() -> None:
    past = Past()
    for at in range(4):
        past = failed(past, "A", "m8", Failure.CAPACITY, at)
    assert past.zones == {("A", "m8"): 1}
    past = booted(past, "A", "m8", 60, joined(8))
    assert (past.troubles, past.zones) == ({}, {("A", "m8"): 1})
    assert failed(failed(past, "A", "m8", Failure.BOOT, 99), "A", "m8", Failure.CAPACITY, 99).zones["A", "m8"] == 2


def test_workers_of_which_less_is_left_than_promised_are_not_booted_in_vain() -> None:
    past = booted(Past(), "A", "m2", 60, joined(2, LESS))
    plan = made([LARGE], [site("A", sizes=(2,))], past=past)
    assert (booked(plan), codes(plan)) == ([], [(Reason.NO_FLAVOR, 3)])
    assert "had less room than its flavor promises" in plan.reasons[0].sentence


def test_a_worker_with_little_room_does_not_speak_for_its_flavor_for_ever() -> None:
    past = booted(Past(), "A", "m2", 60, joined(2, LESS, NOW - ROOM_LASTS))
    first = made([LARGE], [site("A", sizes=(2,))], past=past)
    assert booked(first) == [("A", "m2", 1)]
    assert codes(first) == [(Reason.DEPLOYING, 1), (Reason.PROBING, 2)]
    waits = made([LARGE], [site("A", sizes=(2,))], [server("u1", State.JOINING, 2, 2)], past)
    assert (booked(waits), codes(waits)) == ([], [(Reason.DEPLOYING, 1), (Reason.PROBING, 2)])
    assert "tries one server of m2 first" in waits.reasons[1].sentence
    again = made([LARGE], [site("A", sizes=(2,))], past=booted(past, "A", "m2", 60, joined(2)))
    assert booked(again) == [("A", "m2", 3)]


def test_what_fits_on_what_was_found_does_not_wait_for_a_trial() -> None:
    past = booted(Past(), "A", "m2", 60, joined(2, LESS, NOW - ROOM_LASTS))
    assert booked(made([group(6)], [site("A", sizes=(2,))], past=past)) == [("A", "m2", 3)]


def test_a_flavor_that_is_known_to_be_large_enough_comes_before_a_trial() -> None:
    past = booted(Past(), "A", "m2", 60, joined(2, LESS, NOW - ROOM_LASTS))
    assert {boot.flavor.name for boot in made([LARGE], [site("A", sizes=(2, 4))], past=past).boots} == {"m4"}


def test_a_gang_tries_a_flavor_with_one_node() -> None:
    past = booted(Past(), "A", "m4", 60, joined(4, LESS, NOW - ROOM_LASTS))
    assert booked(made([gang(4)], [site("A", sizes=(4,))], past=past)) == [("A", "m4", 1)]


def test_what_was_found_under_another_promise_says_nothing() -> None:
    past = booted(Past(), "A", "m2", 60, Room(amount(1), LESS, NOW))
    assert booked(made([LARGE], [site("A", sizes=(2,))], past=past)) == [("A", "m2", 3)]
    more_disk = Room(amount(2)._replace(disk=200 * GB), LESS, NOW)
    assert booked(made([LARGE], [site("A", sizes=(2,))], past=booted(Past(), "A", "m2", 60, more_disk))) == []


@pytest.mark.parametrize("room", [Amount(0, 0, 0), Amount(2, 0, 10), Amount(0, 2 * GB, 10)])
def test_a_worker_that_does_not_tell_its_room_teaches_none(room: Amount) -> None:
    assert not booted(Past(), "A", "m2", 60, joined(2, room)).rooms
    known = booted(Past(), "A", "m2", 60, joined(2, LESS))
    assert booted(known, "A", "m2", 60, joined(2, room)).rooms == known.rooms


def test_an_idle_worker_is_given_back_after_its_keep_alive_unless_a_job_waits_for_it() -> None:
    idle = [server("u1", idle_since=NOW - 601), server("u2", idle_since=NOW - 599), server("u3", free=4)]
    assert made([], [site("A")], idle).drain == ("u1",)
    assert made([group(20)], [site("A")], idle).drain == ()
    assert made([], [site("A", kept_ready=3)], idle).drain == ()


def test_idle_workers_go_sooner_where_others_wait_for_their_quota() -> None:
    idle = [server("u1", cpus=2, free=2, idle_since=NOW - 100)]
    assert made([group(cpus=8)], [site("A", 8)], idle).drain == ("u1",)


def test_a_worker_of_one_user_serves_no_other() -> None:
    bound = [server("u1", binding=Binding("bob"))]
    assert codes(made([group()], [site("A", 8)], bound)) == [(Reason.QUOTA, 1)]


def test_withdrawable_servers_are_for_jobs_that_allow_it() -> None:
    spot = Site("A", (flavor(2, preemptible=True),))
    told = made([group()], [spot])
    assert (codes(told), "(preemptible)" in told.reasons[0].sentence) == ([(Reason.NO_FLAVOR, 1)], True)
    assert codes(made([group(preemptible=True)], [spot])) == [(Reason.DEPLOYING, 1)]


def test_the_same_input_gives_the_same_plan() -> None:
    demand = [group(5, key=f"g{number}", user=f"user{number % 3}") for number in range(20)]
    sites = [site(name, 16) for name in "ABC"]
    assert made(demand, sites) == made(list(reversed(demand)), sites)


def test_workers_kept_ready_are_booted_without_any_job() -> None:
    kept = site("A", kept_ready=2)
    assert booked(made([], [kept])) == [("A", "m2", 2)]
    assert booked(made([], [kept], [server("a", State.JOINING, 2, 2)])) == [("A", "m2", 1)]
    assert booked(made([], [kept], [server("a", cpus=2, free=2), server("b", cpus=2, free=0)])) == []
    assert booked(made([group(1)], [kept])) == [("A", "m2", 1), ("A", "m2", 1)]


@pytest.mark.parametrize(
    "unfit", [{"enabled": False}, {"grants": frozenset({"ann"})}, {"vos": frozenset({"v", "w"})}, {"limits": Limits(0)}]
)
def test_nothing_is_kept_ready_where_nobody_could_use_it(unfit: dict[str, object]) -> None:
    assert booked(made([], [replace(site("A", kept_ready=1), **unfit)])) == []  # type: ignore[arg-type]


def test_a_site_that_is_switched_off_gives_back_all_its_workers_at_once() -> None:
    own = server("own", purpose=Purpose.OWN, binding=Binding("ann"), idle_since=NOW)
    servers = [server("busy", free=4), server("idle", idle_since=NOW), own, server("coming", State.BUILDING)]
    off = replace(site("A"), enabled=False, kept_ready=2)
    assert set(made([], [off], servers).drain) == {"busy", "idle", "own"}
    assert made([], [replace(off, enabled=True)], servers).drain == ()


def test_no_job_is_promised_room_at_a_site_that_is_switched_off() -> None:
    servers = [server("there"), server("coming", State.JOINING)]
    off = replace(site("A"), enabled=False)
    plan = made([group(4)], [off, site("B", sizes=(8,), tier=1)], servers)
    assert (booked(plan), codes(plan)) == ([("B", "m8", 1)], [(Reason.DEPLOYING, 4)])
    assert codes(made([group(4)], [off], servers)) == [(Reason.DISABLED, 4)]
    assert codes(made([group(4)], [off], [static(site="A")])) == [(Reason.MATCHING, 4)]


def test_a_site_with_several_projects_is_asked_for_by_its_own_name() -> None:
    places = [site("A/bio", vos=frozenset({"bio"})), site("A/chem", vos=frozenset({"vo"})), site("B")]
    assert booked(made([group(required=Placement(frozenset({"A"})))], places)) == [("A/chem", "m2", 1)]


def test_a_vo_with_a_project_of_its_own_stays_out_of_everyones() -> None:
    found = made([group()], [site("A/others", except_vos=frozenset({"vo"}))])
    assert (booked(found), codes(found)) == ([], [(Reason.NO_VO, 1)])


def test_a_silent_site_is_named_with_its_trouble() -> None:
    silent = replace(site("B"), flavors=(), silent=Silence(Reason.AUTH, "B does not accept the credential", ""))
    found = made([group(cpus=64)], [site("A"), silent])
    assert codes(found) == [(Reason.AUTH, 1)]
    assert found.reasons[0].sentence == "waiting: B does not accept the credential; A has no flavor with 64 cores"


def static(cpus: int = 8, free: int = 8, **more: object) -> Server:
    fields: dict[str, object] = {"site": "local", "flavor": "", "size": Amount(0, 0, 0), "ours": False, **more}
    return server("", State.READY, cpus, free, **fields)


def test_nothing_is_booted_for_jobs_that_somebody_elses_worker_will_take() -> None:
    found = made([group(8)], [site("A")], [static()])
    assert booked(found) == []
    assert codes(found) == [(Reason.MATCHING, 8)]


def test_what_does_not_fit_on_others_workers_is_booted() -> None:
    found = made([group(10)], [site("A")], [static()])
    assert codes(found) == [(Reason.MATCHING, 8), (Reason.DEPLOYING, 2)]


def test_others_workers_are_never_given_back_and_use_no_limits() -> None:
    workers = [static(site="A", idle_since=0.0) for _ in range(5)]
    found = made([], [replace(site("A", kept_ready=1), limits=Limits(servers=1))], workers)
    assert found.drain == ()
    # Nor do they count as kept ready, since nobody here can keep them.
    assert sum(boot.count for boot in found.boots) == 1


@pytest.mark.parametrize(
    ("job", "taken"),
    [
        (group(required=Placement(frozenset({"local"}))), True),
        (group(required=Placement(frozenset(), frozenset({"home"}))), True),
        (group(required=Placement(frozenset({"A"}))), False),
        (group(required=Placement(frozenset(), frozenset({"elsewhere"}))), False),
        (group(scaling=Scaling.NONE), True),
        (group(scaling=Scaling.DEDICATED), False),
    ],
)
def test_others_workers_take_jobs_that_may_run_there(job: Group, taken: bool) -> None:
    found = made([job], [site("A")], [static(region="home")])
    assert (codes(found) == [(Reason.MATCHING, 1)]) is taken


def test_a_users_own_worker_is_room_for_that_user_alone() -> None:
    bound = static(binding=Binding("ann"))
    assert codes(made([group()], [site("A")], [bound])) == [(Reason.MATCHING, 1)]
    assert codes(made([group(user="ben")], [site("A")], [bound])) == [(Reason.DEPLOYING, 1)]
