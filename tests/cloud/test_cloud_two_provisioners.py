"""Two provisioners of one service: one acts at a time, and one that was paused for too long does nothing when it wakes."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence

import pytest
from sqlalchemy import select

from cloud_provisioner.servers.record import Intent
from cloud_provisioner.servers.states import State
from cloud_provisioner.store.reader import Holding
from cloud_provisioner.store.tables import lease
from tests.cloud.deaf import Scene, scene
from tests.cloud.house import until

__all__ = ["scene"]

pytestmark = pytest.mark.timeout(600)
LOST = "must not write"


def stored(scene: Scene) -> tuple[Sequence[Intent], Holding | None, object]:
    """Everything that a provisioner writes about servers and the lease."""
    reader = scene.house.reader
    with reader.database.reading() as connection:
        row = connection.execute(select(lease)).all()
    return scene.house.records(), reader.lease("prominence"), [tuple(one) for one in row]


def test_one_that_was_paused_beyond_its_lease_writes_nothing_and_changes_no_cloud_when_it_wakes(scene: Scene) -> None:
    first = scene.start(name="a")
    until(first.acts, why=first.said)
    scene.want()
    scene.settle(time.monotonic(), "a acts", first)
    second = scene.start(name="b")
    first.process.send_signal(signal.SIGSTOP)
    paused = time.monotonic()
    scene.want()
    scene.settle(paused, "b acts", second)
    # Whatever comes while the second one sleeps, is the first one's.
    second.process.send_signal(signal.SIGSTOP)
    time_left = until(lambda: scene.house.reader.lease("prominence"))
    assert time_left is not None
    assert time_left.holder == "b"
    before = stored(scene)
    scene.orders.forget()
    said = len(first.said())
    first.process.send_signal(signal.SIGCONT)
    until(lambda: "lease" in first.said()[said:], 4, first.said)
    assert stored(scene) == before
    # A list that was about to be asked for when the process was paused, is asked for.
    assert not [one for one in scene.orders.requests() if one.method != "GET"]
    second.process.send_signal(signal.SIGCONT)
    scene.want()
    scene.settle(time.monotonic(), "b goes on", second)
    print(f"taken over {paused:.0f}")


LINES = (
    "todo = self.register.commit()",
    "self.act(self.register.commit(), lenders)",
    "place.create(intent, lambda: self.terms.order(intent, place.site, vo, zone), self.terms.may_act)",
    "made = order()",
    "if not may():",
)


@pytest.mark.parametrize("line", LINES)
def test_one_that_was_paused_in_the_midst_of_a_create_leaves_it_to_the_other(scene: Scene, line: str) -> None:
    first = scene.start("tests.cloud.dying", State.INTENDED, line, "SIGSTOP", name="a")
    until(first.acts, why=first.said)
    second = scene.start(name="b")
    first.process.send_signal(signal.SIGUSR1)
    scene.want()
    scene.settle(time.monotonic(), line, second)
    scene.orders.forget()
    first.process.send_signal(signal.SIGCONT)
    until(lambda: "lease" in first.said(), why=first.said)
    scene.want()
    scene.settle(time.monotonic(), f"{line}, awake", second)
    assert len(scene.creates()) == 1
