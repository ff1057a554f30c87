"""The server of a check: made once, and given back until the cloud says that it is gone.

Races thought of:
- The create call is interrupted, or its answer is lost: the server is looked for by its uuid, for SETTLING seconds, and what is
  found is deleted.
- The check is killed: the uuid says until when the server is wanted (`servers.passing`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cloud_provisioner.admin.checking.report import StepFailed
from cloud_provisioner.drivers.contract import Account, CloudAmbiguous, CloudRefused, Order
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import Listed, Status

SETTLING = 60.0
"""Seconds for which a server may still appear after a create call of which the outcome is not known."""


@dataclass
class CheckServer:
    """One server. `ticks` gives seconds that never go back, `step` is the time between two looks.

    `pause` waits while it is being made, and may raise KeyboardInterrupt; `sleep` while it is being deleted.
    """

    account: Account
    order: Order
    ticks: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    sleep: Callable[[float], None] = time.sleep
    step: float = 1.0
    ids: set[str] = field(default_factory=set)
    """What the cloud calls it, once that is known; two where it made two."""
    _asked_at: float | None = None
    _refused: bool = False
    _doubt: str = ""

    @property
    def in_doubt(self) -> bool:
        """Whether a server may exist of which the cloud has not told yet."""
        return self._asked_at is not None and not self._refused and not self.ids

    @property
    def left(self) -> str:
        """Where it may be left, in a sentence."""
        ids = f" ({', '.join(sorted(self.ids))})" if self.ids else ""
        return (
            f"The server {self.order.name}{ids} may be left: the provisioner deletes it when the check's time is over."
        )

    def boot(self, deadline: float) -> str:
        """Makes it and waits until it is active, until a time of `ticks`. StepFailed, CloudRefused."""
        self._asked_at = self.ticks()
        try:
            self.ids.add(self.account.create(self.order))
        except CloudRefused:
            self._refused = True
            raise
        except CloudAmbiguous as error:
            self._doubt = error.sentence
        while True:
            there = self._listed()
            active = next((one for one in there if one.status is Status.ACTIVE), None)
            if active is not None:
                return f"{self.order.flavor}, {active.cloud_id}"
            if there and all(one.status in (Status.ERROR, Status.STOPPED) for one in there):
                why = there[0].failure or Failure.BOOT
                raise StepFailed(
                    f"The server {there[0].cloud_id} was made and failed ({why.value}): see what the cloud says of it."
                )
            if self.in_doubt and not self._may_appear():
                raise StepFailed(f"{self._doubt} It has not appeared since.")
            if self.ticks() > deadline:
                raise StepFailed("The server has not become active in time: look at the cloud, or give it --timeout.")
            self.pause(self.step)

    def end(self, deadline: float) -> str:
        """Deletes what there is, until the cloud says that it is gone, until a time of `ticks`. StepFailed."""
        last = "the cloud still has it"
        while True:
            try:
                gone = self._delete_all()
            except (CloudRefused, CloudAmbiguous) as error:
                gone, last = False, error.sentence.rstrip(".")
            if gone and not self._may_appear():
                return "the cloud does not have it any more" if self.ids else "there was none"
            if self.ticks() > deadline:
                raise StepFailed(f"It is not gone: {last}. {self.left}")
            self.sleep(self.step)

    def _delete_all(self) -> bool:
        """Asks for the end of each; whether all are gone, by the delete call's word and by a complete list."""
        gone = [self.account.delete(cloud_id) for cloud_id in sorted(self.ids)]
        view = self.account.listing(0.0)
        there = view.servers.get(self.order.uuid, ())
        self.ids |= {one.cloud_id for one in there}
        return all(gone) and not there and view.complete

    def _may_appear(self) -> bool:
        return self.in_doubt and self._asked_at is not None and self.ticks() - self._asked_at < SETTLING

    def _listed(self) -> tuple[Listed, ...]:
        """What the list shows of it; nothing where it cannot be had just now."""
        try:
            there = self.account.listing(0.0).servers.get(self.order.uuid, ())
        except CloudRefused as error:
            if error.failure is not Failure.BUSY:
                raise
            return ()
        self.ids |= {one.cloud_id for one in there}
        return there
