"""A place's calls: whose rights they use, when they are made, and what becomes of what they answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from cloud_provisioner.amounts import Amount
from cloud_provisioner.daemon.place import CALLS, Outcome, Pace, Place
from cloud_provisioner.daemon.places import Use
from cloud_provisioner.drivers.contract import CloudAmbiguous, CloudRefused, Credential, Offer, Order
from cloud_provisioner.planning.places import Limits
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.record import Binding, Intent
from cloud_provisioner.servers.states import Seen
from cloud_provisioner.servers.views import CloudView
from cloud_provisioner.sites import base
from tests.unit.cloud_provisioner.provisioner_loop import AtOnce, described

ORDER = Order("u", "prominence-u", "ours", "m2", "*", "#!/bin/sh\n")
Event = tuple[str, ...]


@dataclass
class Lent:
    user: str
    ended: bool = False

    def access_token(self, *, fresh: bool = False) -> str:
        if self.ended:
            raise CloudRefused(Failure.AUTH, "`credentials`: the grant has ended.")
        return f"token of {self.user}"


@dataclass
class Driver:
    """A cloud that notes who asks for what, and answers with `says`: a value, or an exception to raise."""

    lent: bool = False
    says: dict[str, object] = field(default_factory=dict)
    asked: list[Event] = field(default_factory=list)

    def accounts(self, site: base.Site) -> Sequence[Sequence[str]]:
        return [tuple(site.vos)]

    def per_user(self, site: base.Site) -> bool:
        return self.lent

    def connect(
        self, site: base.Site, vo: str, credential: Credential | None, environ: Mapping[str, str], patience: float
    ) -> Account:
        return Account(self, credential.access_token() if credential else "the service")

    def answer(self, what: str, *words: str) -> object:
        self.asked.append((what, *words))
        said = self.says[what]
        if isinstance(said, Exception):
            raise said
        return said


@dataclass
class Account:
    driver: Driver
    who: str

    def offer(self) -> Offer:
        return self.driver.answer("offer", self.who)  # type: ignore[return-value]

    def listing(self, begun_at: float) -> CloudView:
        return self.driver.answer("listing", self.who)  # type: ignore[return-value]

    def create(self, order: Order) -> str:
        return self.driver.answer("create", self.who)  # type: ignore[return-value]

    def delete(self, cloud_id: str) -> bool:
        return self.driver.answer("delete", self.who, cloud_id)  # type: ignore[return-value]

    def close(self) -> None:
        self.driver.asked.append(("close", self.who))


@dataclass
class Ticks:
    """A clock that is never set."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def made(driver: Driver, ticks: Ticks | None = None) -> Place:
    steady = ticks or Ticks()
    return Place("A", described("A"), ("*",), driver, {}, Lent, Pace(2, 20, 60), AtOnce, steady=steady)


def intent(user: str | None = None, cloud_id: str | None = None) -> Intent:
    size = Amount(1, 1, 1)
    return Intent("u", "A", "m2", size, size, 0, 0, Binding(user), cloud_id=cloud_id)


def always() -> bool:
    return True


def created(driver: Driver, may: Callable[[], bool] = always, user: str | None = None) -> Outcome:
    place = made(driver)
    place.create(intent(user), lambda: ORDER, may)
    ((_, outcome),) = place.outcomes()
    return outcome


def test_lists_come_often_while_servers_come_and_go_and_seldom_else() -> None:
    driver = Driver(says={"listing": CloudView({}, 0), "offer": Offer((), Limits())})
    ticks = Ticks()
    place = made(driver, ticks)
    lists = []
    for now, changing in ((0, False), (1, True), (2, True), (3, False), (5, True), (20, False), (25, False)):
        before = len(driver.asked)
        ticks.now = now
        place.ask(now, changing, Use(), [])
        place.offered(now)
        if place.listed() is not None:
            lists.append(now)
        assert len(driver.asked) - before <= 2
    assert lists == [0, 2, 5, 25]
    assert [one for one in driver.asked if one[0] == "offer"] == [("offer", "the service")]


@pytest.mark.parametrize("step", [-86_400.0, 86_400.0])
def test_a_clock_that_is_set_changes_nothing_of_when_lists_and_offers_are_asked_for(step: float) -> None:
    driver = Driver(says={"listing": CloudView({}, 0), "offer": Offer((), Limits())})
    ticks = Ticks()
    place = made(driver, ticks)
    asked = []
    for ticks.now in range(0, 121, 10):
        place.ask(100_000.0 + ticks.now + (step if ticks.now > 5 else 0), False, Use(), [])
        place.offered(0)
        place.listed()
        asked.append(sum(what == "listing" for what, _ in driver.asked))
    assert asked == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7]
    assert sum(what == "offer" for what, _ in driver.asked) == 3


def test_a_failed_list_is_no_list_and_is_told() -> None:
    driver = Driver(says={"listing": CloudRefused(Failure.BUSY, "503."), "offer": Offer((), Limits())})
    place = made(driver)
    place.ask(0, True, Use(), [])
    assert place.listed() is None
    assert place.list_failure == "503."


def test_a_failed_question_for_the_offer_keeps_the_last_offer() -> None:
    offer = Offer((), Limits(3))
    driver = Driver(says={"listing": CloudView({}, 0), "offer": offer})
    place = made(driver)
    place.ask(0, False, Use(2), [])
    assert place.offered(5)
    driver.says["offer"] = CloudRefused(Failure.AUTH, "The password is wrong.")
    place.ask_anew()
    place.ask(6, False, Use(), [])
    assert place.offered(6)
    known = place.known
    assert (known.offer, known.ours, known.at, known.failure) == (offer, Use(2), 5, Failure.AUTH)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("id-1", Outcome("u", Seen.ACCEPTED, "id-1")),
        (CloudRefused(Failure.QUOTA, "Full."), Outcome("u", Seen.REFUSED, None, Failure.QUOTA, "Full.")),
        (CloudAmbiguous("Late."), Outcome("u", Seen.AMBIGUOUS, None, Failure.BUSY, "Late.")),
    ],
)
def test_what_comes_of_a_create(said: object, outcome: Outcome) -> None:
    assert created(Driver(says={"create": said})) == outcome


def test_a_create_is_not_sent_when_the_lease_has_passed() -> None:
    driver = Driver(says={"create": "id-1"})
    assert created(driver, lambda: False) == Outcome("u", None)
    assert driver.asked == []


def test_servers_for_a_user_are_made_with_the_users_own_rights() -> None:
    driver = Driver(lent=True, says={"create": "id-1"})
    created(driver, user="ann")
    assert driver.asked == [("create", "token of ann")]


def test_a_list_with_users_rights_turns_to_another_user_after_a_failure() -> None:
    driver = Driver(lent=True, says={"listing": CloudRefused(Failure.AUTH, "No."), "offer": Offer((), Limits())})
    ticks = Ticks()
    place = made(driver, ticks)
    for ticks.now in (0, 30, 60):
        place.ask(ticks.now, False, Use(), ["ann", "bob"])
        place.listed()
    assert [one[1] for one in driver.asked if one[0] == "listing"] == ["token of ann", "token of bob", "token of ann"]


def test_rights_that_are_no_longer_lent_make_no_server_and_still_delete_where_the_cloud_lets_them() -> None:
    driver = Driver(lent=True, says={"create": "id-1", "delete": True})
    rights = Lent("ann")
    place = Place("A", described("A"), ("*",), driver, {}, lambda _: rights, Pace(2, 20, 60), AtOnce)
    place.create(intent("ann"), lambda: ORDER, always)
    place.settled(place.outcomes()[0][0])
    rights.ended = True
    place.create(intent("ann"), lambda: ORDER, always)
    ((key, outcome),) = place.outcomes()
    assert (outcome.seen, outcome.failure) == (Seen.REFUSED, Failure.AUTH)
    place.settled(key)
    place.delete(intent("ann", "id-1"), "id-1", [], always)
    assert driver.asked == [("create", "token of ann"), ("delete", "token of ann", "id-1")]


def test_a_user_whom_the_cloud_does_not_know_does_not_close_it_to_others() -> None:
    offer = Offer((), Limits(3))
    driver = Driver(lent=True, says={"listing": CloudView({}, 0), "offer": offer})
    ticks = Ticks()
    place = made(driver, ticks)
    place.ask(0, False, Use(), ["ann"])
    assert place.offered(0)
    driver.says["offer"] = CloudRefused(Failure.AUTH, "Keystone refuses the user.")
    ticks.now = 60
    place.ask(60, False, Use(), ["bob", "ann"])
    assert place.offered(60)
    assert (place.known.offer, place.known.failure) == (offer, Failure.BUSY)
    driver.says["offer"] = offer
    ticks.now = 70
    place.ask(70, False, Use(), ["bob", "ann"])
    assert place.offered(70)
    assert [one[1] for one in driver.asked if one[0] == "offer"] == ["token of ann", "token of bob", "token of ann"]


def test_where_nobody_lends_rights_nothing_is_asked() -> None:
    driver = Driver(lent=True)
    made(driver).ask(0, True, Use(), [])
    assert driver.asked == []


@pytest.mark.parametrize(
    ("cloud_id", "said", "seen"),
    [("id-1", True, Seen.NOT_FOUND), ("id-1", False, None), ("twin", True, None), ("id-1", CloudAmbiguous("?"), None)],
)
def test_only_the_clouds_word_about_our_server_itself_ends_its_record(
    cloud_id: str, said: object, seen: Seen | None
) -> None:
    place = made(Driver(says={"delete": said}))
    place.delete(intent(cloud_id="id-1"), cloud_id, [], always)
    ((_, outcome),) = place.outcomes()
    assert outcome.seen is seen


def test_an_outcome_stays_until_it_is_settled() -> None:
    place = made(Driver(says={"create": "id-1"}))
    place.create(intent(), lambda: ORDER, always)
    assert place.outcomes() == place.outcomes()
    assert place.free_calls == CALLS - 1
    place.settled(place.outcomes()[0][0])
    assert (place.outcomes(), place.free_calls) == ([], CALLS)


def test_a_place_whose_cloud_hangs_holds_nobody_up() -> None:
    release = threading.Event()

    class Hanging(Driver):
        def answer(self, what: str, *words: str) -> object:
            release.wait(20)
            return CloudView({}, 0)

    place = Place("A", described("A"), ("*",), Hanging(), {}, Lent, Pace(2, 20, 60))
    place.ask(0, True, Use(), [])
    for _ in range(CALLS + 3):
        place.create(intent(), lambda: ORDER, always)
    assert place.listed() is None
    assert place.outcomes() == []
    release.set()
    place.close()


def test_accounts_of_users_who_lend_no_rights_any_more_are_closed() -> None:
    driver = Driver(lent=True, says={"create": "id-1", "delete": True})
    place = made(driver)
    users = [f"user{number}" for number in range(300)]
    for user in users:
        place.create(intent(user), lambda: ORDER, always)
        place.settled(place.outcomes()[0][0])
    place.tidy(users, [])
    assert not [one for one in driver.asked if one[0] == "close"], "they were used a moment ago"
    place.tidy(["user7"], ["user8"])
    closed = {who for what, who, *_ in driver.asked if what == "close"}
    assert closed == {f"token of {user}" for user in users} - {"token of user7", "token of user8"}


def test_the_services_own_account_stays_open() -> None:
    driver = Driver(says={"create": "id-1"})
    place = made(driver)
    place.create(intent("ann"), lambda: ORDER, always)
    place.tidy([], [])
    assert driver.asked == [("create", "the service")]
    place.close()
    assert driver.asked[-1] == ("close", "the service")
