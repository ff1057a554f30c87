"""A provisioner that is killed at any step of making and deleting servers, and clouds that do not say what they did."""

from __future__ import annotations

import os
import signal
import time

import pytest

from cloud_provisioner.servers.states import State
from tests.cloud.deaf import Scene, scene
from tests.cloud.house import Provisioner, until
from tests.cloud.openstack.rules import CREATE, DELETE, Rule

__all__ = ["scene"]

pytestmark = pytest.mark.timeout(1500)

STRIDE = int(os.environ.get("PROMINENCE_TEST_STRIDE", "24"))
"""A kill at each so many-th line; 1: at every line."""
SOON = 30.0
"""Seconds from a restart in which all is as it should be; a machine that has time needs less than ten."""


def armed(scene: Scene, state: State, line: int, before: str) -> Provisioner:
    """A provisioner that will die at a line, once what the last one left is in order."""
    since = time.monotonic()
    dying = scene.start("tests.cloud.dying", state, str(line))
    scene.settle(since, before, dying)
    scene.reached.unlink(missing_ok=True)
    dying.process.send_signal(signal.SIGUSR1)
    return dying


def test_killed_at_any_step_of_a_create_or_a_delete_there_are_as_many_servers_as_wanted_soon_after(
    scene: Scene,
) -> None:
    line, died, before = 1, 0, "the first start"
    while True:
        dying = armed(scene, State.INTENDED, line, before)
        scene.want()
        if not scene.die(dying, scene.as_wanted):
            break
        died, before = died + 1, f"killed in a create, at line {scene.reached.read_text()}"
        print(before)
        line += STRIDE
    dying.kill()
    assert died >= 100 / STRIDE
    scene.house.remove_jobs()
    line, deaths, before = 1, 0, "between creates and deletes"
    while True:
        dying = armed(scene, State.DELETING, line, before)
        victim = some_server(scene, dying)
        scene.unwant(victim)
        if not scene.die(dying, lambda: victim not in {one.uuid for one in scene.house.records()}):  # noqa: B023
            break
        deaths, before = deaths + 1, f"killed in a delete, at line {scene.reached.read_text()}"
        print(before)
        line += STRIDE
    dying.kill()
    assert deaths >= 60 / STRIDE
    assert scene.worst[0] < SOON, scene.worst
    print(f"{died} deaths in creates, {deaths} in deletes")


def some_server(scene: Scene, running: Provisioner) -> str:
    """A server that can be deleted; where none is left, one more."""
    if not scene.servers():
        scene.want()
        scene.settle(time.monotonic(), "one more", running)
        scene.house.remove_jobs()
    return scene.servers()[0]


IN_FLIGHT = {
    "the cloud has made it": Rule(**CREATE, after=2, times=1),
    "the cloud has not had it yet": Rule(**CREATE, before=2, times=1),
    "the cloud never gets it": Rule(**CREATE, before=2, pass_on=False, cut=True, times=1),
}


def test_killed_while_a_request_is_under_way_there_are_as_many_servers_as_wanted_soon_after(scene: Scene) -> None:
    running = scene.start()
    for what, rule in IN_FLIGHT.items():
        scene.orders.rules(rule)
        scene.want()
        until(lambda: scene.orders.used() == [1])
        running.kill()
        since = time.monotonic()
        running = scene.start()
        scene.settle(since, what, running)
        scene.orders.rules()
    scene.house.remove_jobs()
    for rule in (Rule(**DELETE, after=2, times=1), Rule(**DELETE, before=2, times=1)):
        scene.orders.rules(rule)
        scene.unwant(scene.servers()[0])
        until(lambda: scene.orders.used() == [1])
        running.kill()
        since = time.monotonic()
        running = scene.start()
        scene.settle(since, "a delete under way", running)
        until(lambda: not any(one.state is State.DELETING for one in scene.house.records()))
    running.stop()


IN_DOUBT = {
    "503, and made": Rule(**CREATE, status=503, times=1),
    "cut, and made": Rule(**CREATE, cut=True, times=1),
    "half an answer": Rule(**CREATE, half=True, times=1),
    "made after the time-out": Rule(**CREATE, before=6, times=1),
}


def test_a_cloud_that_does_not_say_that_it_made_a_server_is_not_asked_for_another(scene: Scene) -> None:
    running = scene.start(patience=3)
    for what, rule in IN_DOUBT.items():
        scene.orders.rules(rule)
        scene.orders.forget()
        scene.want()
        until(lambda: scene.orders.used() == [1], why=running.said)
        scene.settle(time.monotonic(), what, running)
        assert len(scene.creates()) == 1, (what, running.said())
        scene.orders.rules()
    running.stop()
