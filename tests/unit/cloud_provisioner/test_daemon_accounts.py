"""Accounts are closed when they are of no more use, once, and never under a call."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from cloud_provisioner.daemon.accounts import IDLE, Accounts
from cloud_provisioner.drivers.contract import Offer, Order
from cloud_provisioner.servers.views import CloudView


@dataclass
class Opened:
    """An account that notes when it is closed."""

    who: str | None
    closed: int = 0

    def offer(self) -> Offer:
        raise AssertionError

    def listing(self, begun_at: float) -> CloudView:
        raise AssertionError

    def create(self, order: Order) -> str:
        raise AssertionError

    def delete(self, cloud_id: str) -> bool:
        raise AssertionError

    def close(self) -> None:
        self.closed += 1


@dataclass
class Bank:
    """Accounts on a clock of their own, and all that were ever opened."""

    now: float = 0.0
    opened: list[Opened] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.connect, ticks=lambda: self.now)

    def connect(self, user: str | None) -> Opened:
        self.opened.append(Opened(user))
        return self.opened[-1]

    def use(self, *users: str | None) -> None:
        for user in users:
            with self.accounts.of(user):
                pass

    def still_open(self) -> list[str | None]:
        return [one.who for one in self.opened if not one.closed]


def test_an_account_is_opened_once_and_closed_when_its_user_has_not_needed_it_for_a_while() -> None:
    bank = Bank()
    bank.use("ann", "bob", "ann")
    bank.now = IDLE / 2
    bank.use("bob")
    bank.now = IDLE + 1
    bank.accounts.tidy(["ann", "bob"], ["ann", "bob"])
    assert bank.still_open() == ["bob"]
    bank.use("ann")
    assert [one.who for one in bank.opened] == ["ann", "bob", "ann"]


def test_an_account_that_may_still_delete_a_users_servers_stays_though_the_rights_are_no_longer_lent() -> None:
    bank = Bank()
    bank.use("ann", "bob")
    bank.now = 10 * IDLE
    bank.accounts.tidy([], ["ann"])
    assert bank.still_open() == ["ann"]
    bank.accounts.tidy([], [])
    assert bank.still_open() == []


def test_the_services_own_account_is_never_tidied_away() -> None:
    bank = Bank()
    bank.use(None)
    bank.now = 10 * IDLE
    bank.accounts.tidy([], [])
    assert bank.still_open() == [None]


def test_an_account_is_not_closed_under_a_call() -> None:
    bank = Bank()
    with bank.accounts.of("ann"):
        with bank.accounts.of("ann"):
            bank.accounts.tidy([], [])
        assert bank.still_open() == ["ann"]
    assert bank.still_open() == []
    with bank.accounts.of("ann"):
        bank.accounts.close()
    assert [one.closed for one in bank.opened] == [1, 1]


def test_a_call_that_comes_after_the_end_leaves_no_account_open() -> None:
    bank = Bank()
    bank.accounts.close()
    with bank.accounts.of("ann"), bank.accounts.of("bob"), bank.accounts.of("ann"):
        assert bank.still_open()
    assert bank.still_open() == []
    assert {one.closed for one in bank.opened} == {1}


def test_a_call_that_fails_gives_the_account_back() -> None:
    bank = Bank()
    try:
        with bank.accounts.of("ann"):
            raise OSError
    except OSError:
        bank.accounts.tidy([], [])
    assert bank.still_open() == []


def test_threads_that_want_a_users_first_account_at_once_share_it() -> None:
    bank, ready = Bank(), threading.Barrier(8)

    def call() -> None:
        ready.wait(10)
        bank.use("ann")

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(bank.opened) == 1
