"""A look at the pool goes on whatever stands in the ads, and the process that looks outlives a fault of its own."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import classad2
import pytest

from cloud_provisioner.observing import observer, process
from cloud_provisioner.observing.observer import Observer
from cloud_provisioner.observing.reading import left_out
from pool import head, session
from pool.attributes import Job
from pool.head import Collecting

Ad = Mapping[str, Any]
NAN, ENDLESS = float("nan"), float("inf")


def idle(number: object, demand: object = "d1", **more: Any) -> dict[str, Any]:
    return {"ClusterId": number, "ProcId": 0, Job.DEMAND: demand, "QDate": 1000, **more}


@dataclass
class Pool:
    """What a look shows."""

    jobs: list[Ad] = field(default_factory=list)
    kinds: list[Ad] = field(default_factory=list)
    slots: list[Ad] = field(default_factory=list)

    def idle(self) -> list[Ad]:
        return self.jobs

    def whole(self, jobs: Sequence[tuple[int, int]]) -> list[Ad]:
        return self.kinds

    def collected(self, now: float) -> Collecting:
        return Collecting(self.slots, 0.0)

    def edit(self, attribute: str, text: str | None, jobs: Sequence[tuple[int, int]]) -> None:
        raise AssertionError

    def invalidate(self, servers: Iterable[str]) -> None:
        raise AssertionError


def test_an_ad_with_endless_numbers_blinds_nobody() -> None:
    slots: list[Ad] = [
        {"Name": "slot1@eve", "AuthenticatedIdentity": "worker-for-eve@pool", "Cpus": ENDLESS, "Disk": NAN}
    ]
    jobs: list[Ad] = [idle(1, EnteredCurrentStatus=ENDLESS)]
    found = Observer(Pool(jobs, [{Job.DEMAND: "d1", "RequestCpus": ENDLESS}], slots)).observe()
    assert found.groups is not None
    assert [group.count for group in found.groups] == [1]
    assert found.pool is not None
    assert len(found.static) == 1
    assert found.troubles == ()


def test_ads_that_cannot_be_read_are_left_out_and_told_of() -> None:
    jobs: list[Ad] = [idle(1), idle(None), idle(2, demand=[1]), idle(3, demand="d2")]
    kinds: list[Ad] = [{Job.DEMAND: "d1"}, {Job.DEMAND: [1]}]
    slots: list[Ad] = [{"Name": "slot1@odd", "AuthenticatedIdentity": 7}]
    found = Observer(Pool(jobs, kinds, slots)).observe()
    assert found.groups is not None
    assert [(group.key, group.count) for group in found.groups] == [("d1", 1)]
    assert found.pool is not None
    assert found.troubles[-1] == "the collector: 1 of the ads cannot be read and are left out ('slot1@odd')"
    assert found.troubles[0].startswith("the queue: ")


def test_what_is_told_of_ads_is_short_however_many_there_are() -> None:
    [says] = left_out(f"slot1@{number:05}" for number in range(10_000))
    assert says == (
        "10000 of the ads cannot be read and are left out ('slot1@00000', 'slot1@00001', 'slot1@00002', ...)"
    )
    assert left_out([]) == []


def test_a_value_of_which_the_bindings_make_nothing_is_none_and_the_others_stay() -> None:
    ad = classad2.ClassAd('[Cpus = 4; Name = "\\377"; Disk = 1/0]')
    assert session._plain(ad) == {"Cpus": 4, "Name": None, "Disk": None}


def test_the_process_that_looks_answers_a_fault_of_its_own_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stumbling:
        def __init__(self, _: object) -> None:
            self.calls = 0

        def observe(self) -> int:
            self.calls += 1
            if self.calls == 1:
                raise OverflowError("cannot convert")
            return self.calls

        say = depart = observe

    monkeypatch.setattr(observer, "Observer", Stumbling)
    monkeypatch.setattr(head, "Head", lambda schedd: schedd)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    ours, theirs = multiprocessing.Pipe()
    serving = threading.Thread(target=process._serve, args=(theirs, "prominence@", {}), daemon=True)
    serving.start()
    answers = []
    for call in (None, ("observe", ()), ("observe", ())):
        if call is not None:
            ours.send(call)
        assert ours.poll(10), "the process has ended"
        answers.append(ours.recv())
    ours.close()
    serving.join(10)
    (_, (worked, said), again) = answers
    assert not worked
    assert "OverflowError: cannot convert" in said
    assert again == (True, 2)
