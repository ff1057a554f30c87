"""The users who lend the service their rights, and a driver's credential for each of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from cloud_provisioner.drivers.contract import CloudRefused, Credential
from cloud_provisioner.servers.failures import Failure
from database.errors import DatabaseError
from identity.errors import IdentityError, Misconfigured
from identity.grants.access import Grants
from identity.grants.errors import GrantError, GrantUnavailable

INTERVAL = 2.0
"""Seconds for which an answer to who lends is believed."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lent:
    """The rights of one user, by HTCondor's Owner: a `Credential`."""

    grants: Grants | None
    owner: str

    def access_token(self, *, fresh: bool = False) -> str:
        """A valid access token, as `Credential` promises.

        What the user or an administrator has to mend is Failure.AUTH, which concerns this user alone; what may pass by
        itself is Failure.BUSY.
        """
        if self.grants is None:
            raise CloudRefused(Failure.AUTH, "`credentials`: users' grants are not set up (`grants` in the settings).")
        try:
            return self.grants.access_token(self.owner, fresh)
        except GrantUnavailable as error:
            raise CloudRefused(Failure.BUSY, f"`credentials`: {error.message}") from None
        except (GrantError, Misconfigured) as error:
            raise CloudRefused(Failure.AUTH, f"`credentials`: {error.message}") from None
        except DatabaseError as error:
            _LOG.warning("grants: %s %s", error, error.detail)
            raise CloudRefused(Failure.BUSY, f"`credentials`: {error}") from None


class Lending:
    """All users' rights; without `grants` nobody lends any. Safe to share between threads; `ticks` never go back."""

    def __init__(self, grants: Grants | None, ticks: Callable[[], float] = time.monotonic) -> None:
        self._grants = grants
        self._ticks = ticks
        self._asked = float("-inf")
        self._known: frozenset[str] | None = frozenset() if grants is None else None
        self._failing = False

    def credential(self, owner: str) -> Credential:
        """The rights of a user, whether there are any or not: that is seen when they are used."""
        return Lent(self._grants, owner)

    def lenders(self) -> frozenset[str] | None:
        """The users whose rights can be used now, asked for every INTERVAL seconds.

        While the database is away, those of the last answer; None where there was none yet. It raises nothing.
        """
        if self._grants is not None and self._ticks() - self._asked >= INTERVAL:
            self._asked = self._ticks()
            self._ask(self._grants)
        return self._known

    def _ask(self, grants: Grants) -> None:
        try:
            found = grants.usable()
        except (DatabaseError, IdentityError) as error:
            if not self._failing:
                _LOG.warning("who lends rights cannot be seen: %s %s", error, getattr(error, "detail", ""))
            self._failing = True
            return
        self._failing = False
        for owner in sorted((self._known or found) - found):
            _LOG.warning("the grant of %s cannot be used any more: no new servers for this user", owner)
        self._known = found
