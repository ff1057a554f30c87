"""The life of a server: the whole table, a case a row, and what a step makes of views of cloud and pool."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloud_provisioner.amounts import Amount
from cloud_provisioner.servers.advance import advance, told
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.leaks import adopted, leaks
from cloud_provisioner.servers.record import Intent, Times
from cloud_provisioner.servers.states import Action, Seen, State, following
from cloud_provisioner.servers.views import CloudView, Listed, PoolView, Status, Worker

SEEN = tuple(Seen)
# A letter a state: Intended, Sending, Unsure, Orphaned, Abandoned, building -> "C"reating, Joining, Ready, Lost, Draining,
# deleting "X", Gone; a dot: nothing changes. Columns in the order of Seen.
LETTERS = {
    "I": State.INTENDED, "S": State.SENDING, "U": State.UNSURE, "O": State.ORPHANED, "A": State.ABANDONED, "C": State.BUILDING,
    "J": State.JOINING, "R": State.READY, "L": State.LOST, "D": State.DRAINING, "X": State.DELETING, "G": State.GONE,
}  # fmt: skip
GRID = {
    #                 ac re am rs bu ac er st va jo dr aw gb nf du la
    State.INTENDED:  "  .  .  .  .  .  .  .  .  .  .  .  .  G  .  S  .",
    State.SENDING:   "  C  G  U  O  C  J  X  X  .  R  .  .  .  .  .  U",
    State.UNSURE:    "  C  G  .  .  C  J  X  X  .  R  .  .  .  .  .  A",
    State.ORPHANED:  "  C  G  .  .  C  J  X  X  .  R  .  .  .  .  .  A",
    State.ABANDONED: "  C  G  .  .  C  J  X  X  .  R  .  .  .  .  .  G",
    State.BUILDING:  "  .  .  .  .  .  J  X  X  X  R  .  .  X  .  .  X",
    State.JOINING:   "  .  .  .  .  .  .  X  X  X  R  .  .  X  .  .  X",
    State.READY:     "  .  .  .  .  .  .  .  .  .  .  D  L  D  .  .  .",
    State.LOST:      "  .  .  .  .  .  .  X  X  X  R  .  .  .  .  .  X",
    State.DRAINING:  "  .  .  .  .  .  .  .  .  .  .  X  L  .  .  D  .",
    State.DELETING:  "  .  .  .  .  .  .  .  .  .  D  .  .  .  G  X  .",
    State.GONE:      "  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .",
}  # fmt: skip
SIZE = Amount(2, 4096, 10_000)
TIMES = Times()


def intent(state: State, cloud_id: str | None = "c1", since: float = 0.0) -> Intent:
    return Intent("u1", "A", "small", SIZE, SIZE, 0.0, since, state=state, cloud_id=cloud_id, asked_at=since)


def listed(status: Status, cloud_id: str = "c1", uuid: str = "u1", service: str = "ours") -> Listed:
    return Listed(cloud_id, uuid, service, status, "small")


def cloud(at: float, *servers: Listed, complete: bool = True) -> CloudView:
    found: dict[str, tuple[Listed, ...]] = {}
    for server in servers:
        found[server.uuid] = (*found.get(server.uuid, ()), server)
    return CloudView(found, at, complete)


def pool(jobs: int | None = None, draining: bool = False, up_since: float = -9999.0, cloud_id: str = "c1") -> PoolView:
    if jobs is None:
        return PoolView({}, up_since)
    return PoolView({"u1": Worker(SIZE, SIZE, cloud_id, jobs, draining)}, up_since)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("seen", Seen)
def test_every_pair_of_state_and_observation_leads_where_the_grid_says(state: State, seen: Seen) -> None:
    letter = GRID[state].split()[SEEN.index(seen)]
    after, actions = following(state, seen)
    assert after is LETTERS.get(letter, state)
    assert letter != "." or not actions


def test_only_a_refusal_or_not_found_or_time_ends_a_record_that_was_sent() -> None:
    ends = {
        (state, seen)
        for state in State
        for seen in Seen
        if following(state, seen)[0] is State.GONE and state not in (State.INTENDED, State.GONE)
    }
    assert ends == {
        (State.SENDING, Seen.REFUSED),
        (State.UNSURE, Seen.REFUSED),
        (State.ORPHANED, Seen.REFUSED),
        (State.ABANDONED, Seen.REFUSED),
        (State.ABANDONED, Seen.LATE),
        (State.DELETING, Seen.NOT_FOUND),
    }


def test_a_create_is_sent_once_from_one_state_only() -> None:
    creating = [(state, seen) for state in State for seen in Seen if Action.CREATE in following(state, seen)[1]]
    assert creating == [(State.INTENDED, Seen.DUE)]


def test_no_step_leads_from_a_joined_worker_to_a_delete_but_by_the_pools_word() -> None:
    for state in (State.READY, State.DRAINING):
        deleting = [seen for seen in Seen if Action.DELETE in following(state, seen)[1]]
        assert deleting == ([Seen.DRAINED] if state is State.DRAINING else [])


def test_a_record_without_an_id_that_no_list_shows_is_forgotten_once_whenever_its_delete_was_asked_for() -> None:
    for asked_at in (float("-inf"), 0.0, 99.0):
        server = replace(intent(State.DELETING, cloud_id=None), absent=2, absent_since=0.0, asked_at=asked_at)
        for settled_for in (10, 9999):
            step = advance(server, cloud(100), pool(up_since=100 - settled_for), 100, TIMES)
            assert step.intent.state is State.GONE
            assert [do.action for do in step.todo].count(Action.FORGET) == 1


def test_a_failed_or_partial_list_never_counts_as_absence() -> None:
    server = intent(State.JOINING)
    for tick in range(1, 20):
        for view in (None, cloud(tick * 20.0, complete=False)):
            step = advance(server, view, pool(), tick * 20.0, TIMES)
            server = step.intent
            assert (server.state, server.absent, step.todo) == (State.JOINING, 0, ())


def test_a_server_is_vanished_after_several_complete_lists_only() -> None:
    server = intent(State.JOINING)
    states = []
    for tick in range(1, 5):
        server = advance(server, cloud(tick * 20.0), pool(), tick * 20.0, TIMES).intent
        states.append(server.state)
    assert states == [State.JOINING, State.JOINING, State.DELETING, State.DELETING]


def test_a_list_begun_before_the_state_says_nothing_about_absence() -> None:
    assert advance(intent(State.BUILDING, since=50), cloud(50), pool(), 51, TIMES).intent.absent == 0


def test_a_lost_answer_is_settled_by_the_list() -> None:
    server = told(intent(State.SENDING, None), Seen.AMBIGUOUS, 1).intent
    assert server.state is State.UNSURE
    step = advance(server, cloud(5, listed(Status.BUILD, "c9")), pool(), 5, TIMES)
    assert (step.intent.state, step.intent.cloud_id) == (State.BUILDING, "c9")


def test_a_reservation_outlasts_a_cloud_that_does_not_answer() -> None:
    server = intent(State.ABANDONED, None)
    for tick in range(1, 400):
        server = advance(server, None, pool(), tick * 60.0, TIMES).intent
    assert server.state is State.ABANDONED
    for tick in range(400, 403):
        server = advance(server, cloud(tick * 60.0), pool(), tick * 60.0, TIMES).intent
    assert server.state is State.GONE


def test_of_two_servers_with_our_uuid_the_one_in_the_pool_stays() -> None:
    twins = cloud(5, listed(Status.ACTIVE, "c1"), listed(Status.ACTIVE, "c2"))
    step = advance(intent(State.UNSURE, None), twins, pool(1, cloud_id="c2"), 5, TIMES)
    assert (step.intent.state, step.intent.cloud_id) == (State.READY, "c2")
    assert [do.cloud_id for do in step.todo if do.action is Action.DELETE] == ["c1"]


def test_a_twin_does_not_take_the_place_of_a_worker_that_the_list_left_out() -> None:
    step = advance(intent(State.READY), cloud(5, listed(Status.ACTIVE, "c2")), pool(1), 5, TIMES)
    assert (step.intent.state, step.intent.cloud_id, step.todo) == (State.READY, "c1", ())


@pytest.mark.parametrize("says", ["", "i-0000abcd", "somebody-elses"])
@pytest.mark.parametrize("state", [State.BUILDING, State.READY, State.DRAINING])
def test_a_workers_word_about_its_id_is_believed_only_where_the_list_shows_that_under_our_uuid(
    state: State, says: str
) -> None:
    there = cloud(5, listed(Status.ACTIVE, "c1"), listed(Status.ACTIVE, "somebody-elses", "u2"))
    step = advance(intent(state), there, pool(1, cloud_id=says, draining=state is State.DRAINING), 5, TIMES)
    assert step.intent.cloud_id == "c1"
    assert [do for do in step.todo if do.action is Action.DELETE] == []


def test_while_it_is_not_sure_which_of_two_servers_is_the_worker_none_is_deleted() -> None:
    twins = cloud(5, listed(Status.ACTIVE, "c1"), listed(Status.ACTIVE, "c2"))
    assert not advance(intent(State.READY), twins, pool(1, cloud_id=""), 5, TIMES).todo


@pytest.mark.parametrize("state", [State.READY, State.LOST, State.DRAINING])
def test_while_the_worker_is_away_none_of_two_servers_is_deleted(state: State) -> None:
    twins = cloud(5, listed(Status.ACTIVE, "c1"), listed(Status.ACTIVE, "c2"))
    assert not advance(intent(state), twins, pool(), 5, TIMES).todo


def test_without_an_answer_of_the_pool_no_twin_is_deleted() -> None:
    twins = cloud(5, listed(Status.ACTIVE, "c1"), listed(Status.ACTIVE, "c2"))
    assert not advance(intent(State.READY), twins, None, 5, TIMES).todo


def test_a_restart_of_the_collector_makes_no_worker_lost() -> None:
    server = intent(State.READY)
    assert advance(server, None, pool(up_since=100.0), 399.0, TIMES).intent.state is State.READY
    assert advance(server, None, pool(up_since=100.0), 400.0, TIMES).intent.state is State.LOST


def test_a_drained_worker_is_deleted_and_a_busy_one_waits() -> None:
    server = intent(State.DRAINING)
    assert advance(server, None, pool(1, draining=True), 1, TIMES).intent.state is State.DRAINING
    step = advance(server, None, pool(0, draining=True), 1, TIMES)
    assert step.intent.state is State.DELETING
    assert [(do.action, do.cloud_id) for do in step.todo] == [(Action.DELETE, "c1")]


def test_a_worker_that_joins_while_it_is_being_deleted_is_drained_instead() -> None:
    step = advance(intent(State.DELETING), None, pool(1), 60, TIMES)
    assert (step.intent.state, [do.action for do in step.todo]) == (State.DRAINING, [Action.DRAIN])


def test_what_a_killed_process_may_have_asked_for_is_settled_by_a_few_lists() -> None:
    server = told(intent(State.SENDING, None), Seen.RESTARTED, 100).intent
    states = []
    for at in (102, 104, 105):
        server = advance(server, cloud(at), pool(), at, TIMES).intent
        states.append(server.state)
    assert states == [State.ORPHANED, State.ORPHANED, State.ABANDONED]
    found = told(intent(State.SENDING, None), Seen.RESTARTED, 100).intent
    assert advance(found, cloud(102, listed(Status.BUILD, "c9")), pool(), 102, TIMES).intent.state is State.BUILDING


def test_a_delete_that_a_killed_process_had_noted_is_made_at_once() -> None:
    server = told(intent(State.DELETING, since=100), Seen.RESTARTED, 101).intent
    assert [do.action for do in advance(server, None, pool(), 101, TIMES).todo] == [Action.DELETE]


@pytest.mark.parametrize("view", [None, pool(up_since=0)], ids=["no answer", "a young collector"])
def test_a_delete_is_not_repeated_while_the_worker_may_have_joined_unseen(view: PoolView | None) -> None:
    server = intent(State.DELETING)
    assert not advance(server, cloud(15, listed(Status.ACTIVE)), view, 15, TIMES).todo
    assert not advance(server, None, view, 15, TIMES).todo


def test_a_server_that_the_list_no_longer_shows_is_asked_for_soon() -> None:
    server = intent(State.DELETING, since=100)
    assert not advance(server, cloud(101), pool(), 101, TIMES).todo
    assert [do.action for do in advance(server, cloud(103), pool(), 103, TIMES).todo] == [Action.DELETE]
    assert not advance(server, cloud(103, listed(Status.ACTIVE)), pool(), 103, TIMES).todo


def test_a_delete_is_repeated_at_its_pace_until_not_found() -> None:
    server = intent(State.DELETING)
    view = pool()
    assert not advance(server, cloud(5, listed(Status.ACTIVE)), view, 5, TIMES).todo
    again = advance(server, cloud(15, listed(Status.ACTIVE)), view, 15, TIMES)
    assert [do.action for do in again.todo] == [Action.DELETE]
    assert told(again.intent, Seen.NOT_FOUND, 16).intent.state is State.GONE


@pytest.mark.parametrize(
    ("state", "seconds", "failure"),
    [(State.BUILDING, 901, Failure.BOOT), (State.JOINING, 601, Failure.BOOT), (State.LOST, 901, Failure.LOST)],
)
def test_a_time_limit_deletes_and_names_the_failure(state: State, seconds: float, failure: Failure) -> None:
    step = advance(intent(state), None, pool(), seconds, TIMES)
    assert step.intent.state is State.DELETING
    assert [do.failure for do in step.todo] == [failure, None]


MAYBE_AT_WORK = (State.BUILDING, State.JOINING, State.LOST)
_LONG = 100_000.0


@pytest.mark.parametrize("state", MAYBE_AT_WORK)
@pytest.mark.parametrize(
    "says_nothing",
    [None, pool(up_since=_LONG - 10), replace(pool(), heard_since=_LONG - 10)],
    ids=["no answer", "a collector that has just started", "a collector that is heard again only now"],
)
def test_no_time_limit_ends_a_server_without_the_word_of_a_pool_that_knows(
    state: State, says_nothing: PoolView | None
) -> None:
    server = told(intent(state), Seen.RESTARTED, _LONG).intent
    step = advance(server, cloud(_LONG, listed(Status.BUILD)), says_nothing, _LONG, TIMES)
    assert (step.intent.state, step.todo) == (state, ())
    assert advance(server, None, pool(1), _LONG, TIMES).intent.state is State.READY
    assert advance(server, None, pool(), _LONG, TIMES).intent.state is State.DELETING


@pytest.mark.parametrize("state", MAYBE_AT_WORK)
@pytest.mark.parametrize("status", [Status.ERROR, Status.STOPPED])
def test_bad_news_of_the_cloud_wait_for_the_pools_word(state: State, status: Status) -> None:
    bad = cloud(5, listed(status))
    for view in (None, pool(up_since=0)):
        step = advance(intent(state), bad, view, 5, TIMES)
        assert (step.intent.state, step.todo) == (state, ())
    assert advance(intent(state), bad, pool(1), 5, TIMES).intent.state is State.READY
    assert advance(intent(state), bad, pool(), 5, TIMES).intent.state is State.DELETING


def test_a_server_that_the_lists_lack_is_not_given_up_without_the_pools_word() -> None:
    server = intent(State.JOINING)
    for tick in range(1, 10):
        server = advance(server, cloud(tick * 20.0), None, tick * 20.0, TIMES).intent
    assert server.state is State.JOINING
    assert advance(server, cloud(200), pool(), 200, TIMES).intent.state is State.DELETING


def test_a_delete_that_was_noted_long_ago_is_made_only_once_the_pool_has_answered() -> None:
    server = told(intent(State.DELETING), Seen.RESTARTED, _LONG).intent
    assert not advance(server, cloud(_LONG, listed(Status.ACTIVE)), None, _LONG, TIMES).todo
    assert advance(server, None, pool(1), _LONG, TIMES).intent.state is State.DRAINING
    assert [do.action for do in advance(server, None, pool(), _LONG, TIMES).todo] == [Action.DELETE]


_SET_BACK = -86_400.0


def test_where_the_clock_was_set_back_deletes_and_drains_are_repeated_at_their_pace() -> None:
    for state, action in ((State.DELETING, Action.DELETE), (State.DRAINING, Action.DRAIN)):
        view = pool(1 if state is State.DRAINING else None, up_since=2 * _SET_BACK)
        server = advance(intent(state), None, view, _SET_BACK, TIMES).intent
        again = advance(server, None, view, _SET_BACK + TIMES.repeat, TIMES)
        assert [do.action for do in again.todo] == [action]


@pytest.mark.parametrize("state", MAYBE_AT_WORK)
def test_where_the_clock_was_set_back_time_limits_last_no_longer_than_anew(state: State) -> None:
    view, limit = pool(up_since=2 * _SET_BACK), TIMES.limit(state) or 0
    server = advance(intent(state), None, view, _SET_BACK, TIMES).intent
    assert server.state is state
    assert advance(server, None, view, _SET_BACK + limit + 1, TIMES).intent.state is State.DELETING


def test_where_the_clock_was_set_back_absences_and_idle_times_are_counted_on() -> None:
    view = pool(0, up_since=2 * _SET_BACK)
    idle = advance(replace(intent(State.READY), idle_since=0.0), None, view, _SET_BACK, TIMES).intent
    assert (idle.idle_since, idle.made_at) == (_SET_BACK, _SET_BACK)
    server, view = intent(State.JOINING), pool(up_since=2 * _SET_BACK)
    for tick in range(5):
        at = _SET_BACK + tick * 20.0
        server = advance(server, cloud(at), view, at, TIMES).intent
    assert server.state is State.DELETING


def test_where_the_clock_was_set_back_a_suspect_is_a_leak_as_soon_as_else() -> None:
    stray = listed(Status.ACTIVE, "c7", "u7")
    view = pool(up_since=2 * _SET_BACK)
    first = leaks(cloud(_SET_BACK, stray), view, (), {"c7": 0.0}, "ours")
    assert first.delete == ()
    assert leaks(cloud(_SET_BACK + 30, stray), view, (), first.suspects, "ours").delete == (stray,)


def test_a_leak_is_deleted_when_it_is_seen_twice() -> None:
    stray = listed(Status.ACTIVE, "c7", "u7")
    first = leaks(cloud(10, stray), pool(), (), {}, "ours")
    assert first.delete == ()
    assert leaks(cloud(20, stray), pool(), (), first.suspects, "ours").delete == ()
    assert leaks(cloud(40, stray), pool(), (), first.suspects, "ours").delete == (stray,)


@pytest.mark.parametrize("view", [None, cloud(900, complete=False)])
def test_suspects_outlast_a_list_that_failed(view: CloudView | None) -> None:
    found = leaks(view, pool(), (), {"c7": 5.0}, "ours")
    assert (found.delete, found.suspects) == ((), {"c7": 5.0})


def test_others_servers_and_known_ones_are_no_leaks() -> None:
    view = cloud(900, listed(Status.ACTIVE, "c7", "u7", "theirs"), listed(Status.ACTIVE))
    assert leaks(view, pool(), ("u1",), {"c7": 0.0, "c1": 0.0}, "ours").delete == ()


def test_a_leak_that_works_in_the_pool_is_drained_not_deleted() -> None:
    view = pool(jobs=2)
    found = leaks(cloud(900, listed(Status.ACTIVE)), view, (), {"c1": 0.0}, "ours")
    assert (found.delete, len(found.adopt)) == ((), 1)
    record = adopted(found.adopt[0], view.workers["u1"], "A", 900)
    assert (record.state, record.cloud_id) == (State.DRAINING, "c1")


def test_while_the_collector_is_young_no_leak_is_decided() -> None:
    found = leaks(cloud(100, listed(Status.ACTIVE)), pool(up_since=50), (), {"c1": 0.0}, "ours")
    assert (found.delete, found.adopt) == ((), ())


def test_an_idle_workers_time_starts_when_its_last_job_ends() -> None:
    server = advance(intent(State.READY), None, pool(1), 5, TIMES).intent
    assert server.idle_since is None
    server = advance(server, None, pool(0), 9, TIMES).intent
    assert advance(server, None, None, 20, TIMES).intent.idle_since == 9
    assert advance(replace(server), None, pool(0), 20, TIMES).intent.idle_since == 9
