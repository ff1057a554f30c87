"""The parameters of a list of jobs: what they select, and what is refused by name."""

from __future__ import annotations

import pytest

from api.errors import InvalidParameter
from api.jobs.listing import selection


@pytest.mark.parametrize(
    ("args", "active", "finished", "limit"),
    [
        ({}, True, False, 1),
        ({"completed": "true"}, False, True, 1),
        ({"completed": "true", "num": "7"}, False, True, 7),
        ({"all": ""}, True, True, -1),
        ({"all": "true", "num": "7"}, True, True, -1),
    ],
)
def test_what_is_selected(args: dict[str, str], active: bool, finished: bool, limit: int) -> None:
    chosen = selection(args)
    assert (chosen.active, chosen.finished, chosen.limit) == (active, finished, limit)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "flying"),
        ("num", "-5"),
        ("num", "0"),
        ("num", "x"),
        ("constraint", "nolabel"),
        ("id", "1,x"),
        ("id", ""),
    ],
)
def test_a_bad_parameter_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        selection({name: value})
    assert refused.value.field == name


def test_a_name_stands_in_the_constraint_as_a_literal() -> None:
    assert selection({"name": 'x" || true || "'}).constraints() == [r'JobBatchName =?= "x\" || true || \""']
