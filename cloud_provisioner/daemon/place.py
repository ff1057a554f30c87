"""One place at work: its accounts, its threads, what it said last, and the calls under way.

A place has threads of its own, so that one that hangs takes nobody else's. Calls are not repeated here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from cloud_provisioner.daemon.accounts import Accounts
from cloud_provisioner.daemon.places import Known, Use
from cloud_provisioner.drivers.contract import (
    Account,
    CloudAmbiguous,
    CloudRefused,
    Credential,
    DriverModule,
    Offer,
    Order,
)
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.servers.states import Seen
from cloud_provisioner.servers.views import CloudView
from cloud_provisioner.sites.base import Site

_LOG = logging.getLogger(__name__)

Threads = Callable[[int, str], Executor]
"""Makes so many threads, with a name."""
_SOON = 1 / 6
"""Share of the time between two questions for the offer, after which another lender is asked."""
CALLS = 4
"""Creates and deletes under way at a time."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a place is asked, and how long an answer may take. Seconds."""

    busy: float = 2.0
    """Between two lists while servers come or go."""
    calm: float = 20.0
    """Between two lists while nothing changes."""
    offer: float = 60.0
    """Between two questions for flavors and quota."""
    patience: float = 30.0
    """For an answer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call about one server."""

    uuid: str
    seen: Seen | None
    """None: nothing to tell the record, such as a delete that was only asked for."""
    cloud_id: str | None = None
    failure: Failure | None = None
    sentence: str = ""


@dataclass
class Place:
    """A project at a site. Its methods are for one thread, and never wait."""

    name: str
    site: Site
    vos: tuple[str, ...]
    driver: DriverModule
    environ: Mapping[str, str]
    credential_of: Callable[[str], Credential]
    pace: Pace = field(default_factory=Pace)
    threads: Threads = ThreadPoolExecutor
    known: Known = field(default_factory=Known)
    list_failure: str = ""
    """Why the last list failed; empty: it did not."""
    list_seconds: float | None = None
    steady: Callable[[], float] = time.monotonic
    """Seconds of a clock that is never set, by which the pace is kept."""

    def __post_init__(self) -> None:
        self.per_user = self.driver.per_user(self.site)
        self._accounts = Accounts(self._connect)
        self._threads = self.threads(CALLS, f"{self.name}-call")
        self._readers = self.threads(2, f"{self.name}-read")
        self._listing: Future[CloudView] | None = None
        self._listed_at = self._offered_at = float("-inf")
        self._offer: tuple[Future[Offer], Use] | None = None
        self._calls: dict[tuple[str, str], Future[Outcome]] = {}
        self._turn = 0

    @property
    def free_calls(self) -> int:
        """How many more creates or deletes may be begun now."""
        return max(0, CALLS - len(self._calls))

    def ask(self, now: float, changing: bool, ours: Use, lenders: Sequence[str]) -> None:
        """Begins the list and the question for the offer, where they are due. `now`: what the list says it was begun at;
        `ours`: what our servers take there now; `lenders`: users whose rights may be used, where there are none of the
        service's."""
        lender = self._lender(lenders)
        if self.per_user and lender is None:
            return
        ticks = self.steady()
        if self._listing is None and ticks - self._listed_at >= (self.pace.busy if changing else self.pace.calm):
            self._listed_at = ticks
            self._listing = self._readers.submit(self._list, lender, now)
        if self._offer is None and ticks - self._offered_at >= self.pace.offer:
            self._offered_at = ticks
            self._offer = self._readers.submit(self._ask_for_offer, lender), ours

    def ask_anew(self) -> None:
        """What is known of flavors and quota may be wrong: it is asked for in the next cycle."""
        self._offered_at = float("-inf")

    def listed(self) -> CloudView | None:
        """The list that has come since the last call, if one has."""
        if self._listing is None or not self._listing.done():
            return None
        done, self._listing = self._listing, None
        self.list_seconds = self.steady() - self._listed_at
        error = done.exception()
        if error is None:
            self.list_failure = ""
            return done.result()
        self.list_failure = _sentence(error)
        self._turn += 1
        _note(self.name, "list", error)
        return None

    def offered(self, now: float) -> bool:
        """Whether an answer to the question for the offer has come; `known` has it."""
        if self._offer is None or not self._offer[0].done():
            return False
        (done, ours), self._offer = self._offer, None
        error = done.exception()
        if error is None:
            self.known = Known(done.result(), ours, now)
        else:
            failure = error.failure if isinstance(error, CloudRefused) else Failure.BUSY
            if self.per_user and failure is Failure.AUTH:
                # One user's rights say nothing about another's: what is known stays, and the next one is asked soon.
                failure = Failure.BUSY
                self._offered_at = self.steady() - self.pace.offer * (1 - _SOON)
            self.known = Known(self.known.offer, self.known.ours, self.known.at, failure, _sentence(error))
            self._turn += 1
            _note(self.name, "offer", error)
        return True

    def create(self, intent: Intent, order: Callable[[], Order], may: Callable[[], bool]) -> None:
        """Begins a create call. `order` is made, and `may` asked, in the thread that makes the call, just before it."""
        user = intent.binding.user if self.per_user else None
        self._begin(intent.uuid, "create", lambda: self._create(intent.uuid, user, order, may))

    def delete(self, intent: Intent, cloud_id: str, lenders: Sequence[str], may: Callable[[], bool]) -> None:
        """Begins a delete call, unless one for the same server is under way."""
        owner = intent.binding.user
        # What the cloud gave for rights that are no longer lent may still be good for a while.
        user = (owner if owner in lenders else self._lender(lenders) or owner) if self.per_user else None
        ours = cloud_id == intent.cloud_id
        self._begin(intent.uuid, cloud_id, lambda: self._delete(intent.uuid, user, cloud_id, ours, may))

    def delete_leak(self, uuid: str, cloud_id: str, lenders: Sequence[str], may: Callable[[], bool]) -> None:
        """Begins the delete of a server that has no record."""
        user = self._lender(lenders) if self.per_user else None
        self._begin(uuid, cloud_id, lambda: self._delete(uuid, user, cloud_id, False, may))

    def outcomes(self) -> list[tuple[tuple[str, str], Outcome]]:
        """The calls that have ended and were not taken off by `settled` yet."""
        return [(key, _outcome(self.name, key, call)) for key, call in self._calls.items() if call.done()]

    def settled(self, key: tuple[str, str]) -> None:
        """What came of a call is written down."""
        del self._calls[key]

    def tidy(self, lenders: Collection[str], owners: Collection[str]) -> None:
        """Closes the accounts of users that are of no more use. `owners` have servers there."""
        self._accounts.tidy(lenders, owners)

    def hand_over(self, successor: Place) -> None:
        """Ends, but for the creates and deletes that were begun: what comes of them the successor tells."""
        successor._calls = self._calls
        self._threads.shutdown(wait=False)
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._accounts.close()

    def close(self) -> None:
        """Takes no more calls; those under way go on for as long as they may."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._accounts.close()

    def _begin(self, uuid: str, what: str, call: Callable[[], Outcome]) -> None:
        if (uuid, what) not in self._calls:
            self._calls[uuid, what] = self._threads.submit(call)

    def _create(self, uuid: str, user: str | None, order: Callable[[], Order], may: Callable[[], bool]) -> Outcome:
        try:
            made = order()
            self._check_grant(user)
            with self._accounts.of(user) as account:
                if not may():
                    return Outcome(uuid, None)
                cloud_id = account.create(made)
        except CloudRefused as error:
            return Outcome(uuid, Seen.REFUSED, None, error.failure, error.sentence)
        except CloudAmbiguous as error:
            return Outcome(uuid, Seen.AMBIGUOUS, None, Failure.BUSY, error.sentence)
        return Outcome(uuid, Seen.ACCEPTED, cloud_id)

    def _delete(self, uuid: str, user: str | None, cloud_id: str, ours: bool, may: Callable[[], bool]) -> Outcome:
        if not may():
            return Outcome(uuid, None)
        try:
            with self._accounts.of(user) as account:
                gone = account.delete(cloud_id)
        except CloudRefused as error:
            return Outcome(uuid, None, cloud_id, error.failure, error.sentence)
        except CloudAmbiguous as error:
            return Outcome(uuid, None, cloud_id, Failure.BUSY, error.sentence)
        return Outcome(uuid, Seen.NOT_FOUND if gone and ours else None, cloud_id)

    def _list(self, user: str | None, begun_at: float) -> CloudView:
        self._check_grant(user)
        with self._accounts.of(user) as account:
            return account.listing(begun_at)

    def _ask_for_offer(self, user: str | None) -> Offer:
        self._check_grant(user)
        with self._accounts.of(user) as account:
            return account.offer()

    def _check_grant(self, user: str | None) -> None:
        """Sees to it that a user's rights are still lent: what a cloud gave for them may be good for hours longer.

        CloudRefused. A delete is tried in any case.
        """
        if user is not None:
            self.credential_of(user).access_token()

    def _lender(self, lenders: Sequence[str]) -> str | None:
        # Another one after each failure: one user's membership may have ended, and another's has not.
        return lenders[self._turn % len(lenders)] if self.per_user and lenders else None

    def _connect(self, user: str | None) -> Account:
        credential = self.credential_of(user) if user is not None else None
        return self.driver.connect(self.site, self.vos[0], credential, self.environ, self.pace.patience)


def _outcome(place: str, key: tuple[str, str], call: Future[Outcome]) -> Outcome:
    error = call.exception()
    if error is None:
        return call.result()
    # A fault of a driver's own: what it did before is not known.
    _note(place, key[1], error)
    return Outcome(key[0], Seen.AMBIGUOUS if key[1] == "create" else None, None, Failure.BUSY, _sentence(error))


def _sentence(error: BaseException) -> str:
    if isinstance(error, (CloudRefused, CloudAmbiguous)):
        return error.sentence
    return f"the driver failed ({type(error).__name__}); the log has more"


def _note(place: str, what: str, error: BaseException) -> None:
    known = isinstance(error, (CloudRefused, CloudAmbiguous))
    _LOG.warning("%s: %s failed: %s", place, what, _sentence(error), exc_info=None if known else error)
