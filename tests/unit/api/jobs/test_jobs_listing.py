"""The jobs that the parameters of a list select, told by HTCondor's own evaluation; and parameters that are refused."""

from __future__ import annotations

from typing import Any

import classad2
import pytest

from api.errors import InvalidParameter
from api.jobs.listing import Selection, job_ids, selection
from pool.state import Status
from tests.unit.api.jobs.jobs_support import AWKWARD, ad_of, described, job

STATUS = {"idle": 1, "running": 2, "removed": 3, "completed": 4, "held": 5, "transferring": 6, "suspended": 7}


def ad(number: int = 1, status: str = "idle", **document: Any) -> classad2.ClassAd:
    """A job in the queue, as the API submitted it."""
    made = ad_of(described(job(**document)))
    made["ClusterId"] = number
    made["JobStatus"] = STATUS["idle" if status == "deploying" else status]
    if status == "deploying":
        made["ProminenceReason"] = "deploying"
    return made


def selects(chosen: Selection, candidate: classad2.ClassAd) -> bool:
    """Whether every constraint holds for the ad: true, not merely undefined."""
    return all(classad2.ExprTree(part).eval(candidate) is True for part in chosen.constraints())


@pytest.mark.parametrize(
    ("args", "candidate", "selected"),
    [
        ({}, ad(), True),
        ({"status": "idle"}, ad(status="idle"), True),
        ({"status": "idle"}, ad(status="held"), True),
        ({"status": "idle"}, ad(status="running"), False),
        ({"status": "idle"}, ad(status="deploying"), True),
        ({"status": "deploying"}, ad(status="deploying"), True),
        ({"status": "deploying"}, ad(status="idle"), False),
        ({"status": "deploying"}, ad(status="running"), False),
        ({"status": "running"}, ad(status="running"), True),
        ({"status": "running"}, ad(status="transferring"), True),
        ({"status": "running"}, ad(status="suspended"), True),
        ({"status": "running"}, ad(status="completed"), False),
        ({"name": "a b"}, ad(name="a b"), True),
        ({"name": "A b"}, ad(name="a b"), False),
        ({"name": "a"}, ad(name="a b"), False),
        ({"name": "a"}, ad(), False),
        ({"constraint": "project=x_1"}, ad(labels={"k": "v", "project": "x_1"}), True),
        ({"constraint": "project=X_1"}, ad(labels={"project": "x_1"}), False),
        ({"constraint": "project=x"}, ad(labels={"project": "x_1"}), False),
        ({"constraint": "project=x_1"}, ad(), False),
        ({"constraint": "k=ünï/1"}, ad(labels={"k": "ünï/1"}), True),
        ({"id": "7"}, ad(7), True),
        ({"id": "7"}, ad(77), False),
        ({"id": "5, 7"}, ad(7), True),
        ({"id": "7", "status": "running"}, ad(7), False),
        ({"id": "7", "name": "n", "constraint": "k=v", "status": "idle"}, ad(7, name="n", labels={"k": "v"}), True),
    ],
)
def test_what_is_selected(args: dict[str, str], candidate: classad2.ClassAd, selected: bool) -> None:
    assert selects(selection(args), candidate) == selected


@pytest.mark.parametrize("text", AWKWARD)
def test_a_name_that_no_job_can_have_selects_nothing_and_breaks_nothing(text: str) -> None:
    assert not selects(selection({"name": text}), ad(name="x"))
    assert not selects(selection({"name": text}), ad())


@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({"status": "completed"}, "status"),
        ({"status": ""}, "status"),
        ({"num": ""}, "num"),
        ({"num": "1.5"}, "num"),
        ({"num": "\N{ARABIC-INDIC DIGIT THREE}"}, "num"),
        ({"num": "9" * 30}, "num"),
        ({"name": "a\0b"}, "name"),
        ({"constraint": ""}, "constraint"),
        ({"constraint": "k="}, "constraint"),
        ({"constraint": "=v"}, "constraint"),
        ({"constraint": "k=v w"}, "constraint"),
        ({"constraint": "k=v\n"}, "constraint"),
        ({"constraint": 'k=v" || true'}, "constraint"),
        ({"id": "1,"}, "id"),
        ({"id": "-1"}, "id"),
        ({"id": "1 || true"}, "id"),
        ({"id": "\N{ARABIC-INDIC DIGIT THREE}"}, "id"),
        ({"id": ",".join(["1"] * 1001)}, "id"),
    ],
)
def test_a_bad_parameter_is_refused_with_a_sentence_that_names_it(args: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        selection(args)
    assert (refused.value.status, refused.value.field) == (400, field)
    assert field in refused.value.message
    assert refused.value.message.endswith(".")


def test_the_contracts_own_words_stay_in_the_sentences() -> None:
    for args, words in (({"constraint": "x"}, "Invalid constraint"), ({"status": "x"}, "Invalid status")):
        with pytest.raises(InvalidParameter, match=words):
            selection(args)


@pytest.mark.parametrize("text", ["", "true", "TRUE", "True", "1"])
def test_a_flag_may_be_written_in_several_ways(text: str) -> None:
    assert selection({"detail": text}).detail


@pytest.mark.parametrize("text", ["false", "0", "False"])
def test_a_flag_may_be_switched_off(text: str) -> None:
    chosen = selection({"detail": text, "completed": text, "all": text})
    assert (chosen.detail, chosen.active, chosen.finished) == (False, True, False)


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("asked", [None, "idle", "deploying", "running"])
def test_a_job_of_a_known_state_is_taken_as_the_queue_would(status: Status, asked: str | None) -> None:
    chosen = selection({} if asked is None else {"status": asked})
    states = {None: ("idle", "deploying", "running"), "idle": ("idle", "deploying")}.get(asked, (asked,))
    assert chosen.takes(status) == (status in states)
    if status in STATUS or status == "deploying":
        active = status in ("idle", "deploying", "running")
        assert not active or selects(chosen, ad(status=str(status))) == chosen.takes(status)


def test_an_id_larger_than_the_queues_is_no_job_rather_than_an_error() -> None:
    assert job_ids("1, 999999999999999") == (1, 999_999_999_999_999)
