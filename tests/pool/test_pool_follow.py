"""Following the output of real jobs, over their end, their restart, and the schedd's death."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from deploy.instance import Instance
from tests.pool.seeing import daemon, head_of
from tests.pool.vacating import vacate

pytestmark = pytest.mark.timeout(240)
EVENTS = {"Accept": "text/event-stream"}
COUNT = "sh -c 'for i in $(seq {n}); do echo line $i; usleep {pause}; done'"


def follow(somebody: Any, number: int, **headers: str) -> str:
    """All that a stream sends until it ends."""
    answer = somebody.session.get(
        f"{somebody.url}/jobs/{number}/stdout?follow=true", headers=headers, stream=True, timeout=120
    )
    assert answer.status_code == 200
    return b"".join(answer.iter_content(65536)).decode()


def expected(n: int) -> str:
    return "".join(f"line {i}\n" for i in range(1, n + 1))


def test_a_stream_begins_before_the_job_and_ends_with_it(user: Callable[..., Any]) -> None:
    alice = user()
    number = alice.submit(COUNT.format(n=40, pause=100_000))
    assert follow(alice, number) == expected(40)
    assert alice.describe(number)["status"] == "completed"
    assert follow(alice, number) == expected(40)  # also after it


def test_server_sent_events_go_on_from_their_place_and_tell_the_end(user: Callable[..., Any]) -> None:
    alice = user()
    number = alice.submit(COUNT.format(n=20, pause=100_000))
    sent = [block.splitlines() for block in follow(alice, number, **EVENTS).split("\n\n") if block.startswith("id:")]
    assert "".join(json.loads(data.removeprefix("data: ")) for _, data in sent) == expected(20)
    whole = follow(alice, number, **EVENTS)
    assert whole.endswith('event: end\ndata: {"status": "completed"}\n\n')
    place = sent[0][0].removeprefix("id: ")
    rest = follow(alice, number, **EVENTS, **{"Last-Event-ID": place})
    begun = int(place.partition("-")[0])
    (data,) = [line for line in rest.splitlines() if line.startswith('data: "')]
    assert json.loads(data.removeprefix("data: ")) == expected(20)[begun:]


def test_a_job_moved_from_its_worker_begins_anew_and_says_so(user: Callable[..., Any], instance: Instance) -> None:
    alice = user()
    number = alice.submit("sh -c 'echo first; sleep 15; echo last'")
    texts: list[str] = []
    plain = threading.Thread(target=lambda: texts.append(follow(user(), number)))
    events = threading.Thread(target=lambda: texts.append(follow(user(), number, **EVENTS)))
    plain.start()
    events.start()
    deadline = time.monotonic() + 40
    while alice.call("GET", f"/jobs/{number}/stdout").text != "first\n":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    before = alice.call("GET", f"/jobs/{number}/stdout")
    vacate(instance, number)
    plain.join(120)
    events.join(120)
    as_plain, as_events = sorted(texts, key=lambda text: "event:" in text)
    assert as_plain == "first\n\n[prominence: the job was started again; its output begins anew]\nfirst\nlast\n"
    assert as_events.count("event: restart") == 1
    run = before.headers["Prominence-Run"]
    polled = alice.call("GET", f"/jobs/{number}/stdout?offset=6&run={run}")
    assert polled.text == "first\nlast\n"
    assert polled.headers["Prominence-Run"] != run


def test_a_death_of_the_schedd_costs_no_line_no_job_and_no_later_command(
    user: Callable[..., Any], instance: Instance
) -> None:
    alice = user()
    number = alice.submit(COUNT.format(n=150, pause=100_000))
    texts: list[str] = []
    reader = threading.Thread(target=lambda: texts.append(follow(user(), number)))
    reader.start()
    alice.wait(number, "running")
    deadline = time.monotonic() + 60
    while "line 20\n" not in alice.call("GET", f"/jobs/{number}/stdout").text:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    schedd = daemon(head_of(instance), "condor_schedd")
    assert schedd is not None
    os.kill(schedd, signal.SIGKILL)
    while alice.call("POST", f"/jobs/{number}/exec?command=true").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    reader.join(120)
    assert texts == [expected(150)]
    told = [event["event"] for event in alice.call("GET", f"/jobs/{number}/events").json()]
    assert "reconnected" in told
    assert "restarted" not in told


def test_streams_of_others_are_not_followed(user: Callable[..., Any]) -> None:
    alice, bob = user("alice"), user("bob@example.org")
    number = alice.submit("true")
    assert bob.call("GET", f"/jobs/{number}/stdout?follow=true").status_code == 403
    alice.wait(number)
