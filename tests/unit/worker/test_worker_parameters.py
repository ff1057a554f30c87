"""The parameters of instances: computed from a number alone, and put in where the contract says so."""

import copy
import itertools
import shlex
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.parameters import count, for_instance, instance, names, substituted


def swept(**axis: Any) -> dict[str, Any]:
    return {"type": "grid", "axes": [{"name": "x", **axis}]}


def values(factory: dict[str, Any]) -> list[str]:
    return [instance(factory, number)["x"] for number in range(count(factory))]


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        ({"start": "0", "step": "0.1", "number": 11}, "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1"),
        ({"start": "3", "step": "-1.5", "number": 5}, "3 1.5 0 -1.5 -3"),
        ({"start": "1.0", "step": "1.0", "number": 3}, "1 2 3"),
        ({"start": "-0.0", "step": "1", "number": 1}, "0"),
        ({"start": "1e-07", "step": "1e-07", "number": 2}, "0.0000001 0.0000002"),
        ({"start": "1e-08", "step": "1e-08", "number": 2}, "1e-8 2e-8"),
        ({"start": "1e+16", "step": "0.5", "number": 2}, "10000000000000000 10000000000000000.5"),
        ({"start": "1e+308", "step": "1", "number": 1}, "1e+308"),
        ({"start": "0", "end": "1", "number": 4}, "0 0.3333333333333333 0.6666666666666666 1"),
        ({"start": "0", "end": "1", "number": 11}, "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1"),
        ({"start": "10", "end": "-10", "number": 3}, "10 0 -10"),
        ({"start": "0.1", "end": "0.2", "number": 2}, "0.1 0.2"),
        ({"start": "7", "end": "7", "number": 1}, "7"),
        ({"values": ["b", "", "a b"]}, "b  a b"),
    ],
)
def test_values_are_the_decimals_that_people_would_write(axis: dict[str, Any], expected: str) -> None:
    assert " ".join(values(swept(**axis))) == expected


@given(st.decimals("-1000", "1000", places=3), st.decimals("0.001", "10", places=3), st.integers(1, 200))
def test_steps_are_exact(start: Decimal, step: Decimal, number: int) -> None:
    made = values(swept(start=str(start), step=str(step), number=number))
    assert [Decimal(value) for value in made] == [start + i * step for i in range(number)]


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.integers(2, 50))
def test_evenly_spread_values_go_from_one_end_to_the_other(start: float, end: float, number: int) -> None:
    made = [float(value) for value in values(swept(start=repr(start), end=repr(end), number=number))]
    assert (made[0], made[-1]) == (start, end)
    assert made == sorted(made, reverse=start > end)
    for place, value in enumerate(made):
        assert value == pytest.approx(start + (end - start) * place / (number - 1), rel=1e-9, abs=1e-6)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_the_first_parameter_of_a_grid_varies_slowest(lengths: list[int]) -> None:
    axes = [{"name": f"p{n}", "values": [str(v) for v in range(length)]} for n, length in enumerate(lengths)]
    factory = {"type": "grid", "axes": axes}
    expected = [{f"p{n}": str(value) for n, value in enumerate(row)} for row in itertools.product(*map(range, lengths))]
    assert [instance(factory, number) for number in range(count(factory))] == expected


def test_the_parameters_of_an_instance_stand_in_the_order_of_the_factory() -> None:
    axes = [{"name": name, "values": ["1"]} for name in "bac"]
    assert list(instance({"type": "grid", "axes": axes}, 0)) == ["b", "a", "c"]


def test_a_zip_has_the_values_side_by_side() -> None:
    factory = {"type": "zip", "axes": [{"name": "a", "values": ["1", "2"]}, {"name": "b", "values": ["x", "y"]}]}
    assert [instance(factory, number) for number in range(count(factory))] == [
        {"a": "1", "b": "x"},
        {"a": "2", "b": "y"},
    ]


def test_a_repeat_has_no_parameters() -> None:
    assert (count({"type": "repeat", "number": 3}), instance({"type": "repeat", "number": 3}, 2)) == (3, {})


@pytest.mark.parametrize("number", [-1, 3])
def test_there_are_no_instances_beyond_the_last(number: int) -> None:
    with pytest.raises(IndexError):
        instance({"type": "repeat", "number": 3}, number)


def test_a_factory_of_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="'spiral'"):
        count({"type": "spiral", "axes": []})


def test_no_size_of_a_grid_makes_an_instance_slow() -> None:
    axes = [{"name": f"p{n}", "start": "0", "step": "0.001", "number": 10**9} for n in range(20)]
    begun = time.process_time()
    assert instance({"type": "grid", "axes": axes}, 10**180 - 1)["p19"] == "999999.999"
    assert time.process_time() - begun < 0.1


SET = {"a": "1", "ab": "two", "c": "$a", "_d": "", "e": "x y"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$a", "1"),
        ("${a}", "1"),
        ("$ab ${a}b $a-b $a.b", "two 1b 1-b 1.b"),
        ("$abc ${abc} $HOME ${HOME}", "$abc ${abc} $HOME ${HOME}"),
        ("$c", "$a"),
        ("[$_d]", "[]"),
        ("$$a $ ${} ${a $a}", "$1 $ ${} ${a 1}"),
        ("$a$ab$a", "1two1"),
        ("$aé", "1é"),
        ("no names", "no names"),
    ],
)
def test_names_are_as_long_as_they_can_be_and_replaced_once(text: str, expected: str) -> None:
    assert substituted(text, SET) == expected


def test_strings_are_replaced_wherever_they_are_but_in_keys() -> None:
    assert substituted({"$a": ["$a", {"k": "$a"}, 1, None, True]}, SET) == {"$a": ["1", {"k": "1"}, 1, None, True]}


def test_names_are_found_as_often_as_they_stand_there() -> None:
    assert names("$a ${b}$a $1 ${c") == ["a", "b", "a"]


JOB: dict[str, Any] = {
    "name": "$e",
    "labels": {"l": "$e"},
    "tasks": [
        {
            "image": "$e",
            "cmd": "run $e '$e' \"-n=${e}\" $HOME",
            "env": {"A": "$e", "$e": "b"},
            "workdir": "$e",
            "stdout": "$e",
            "imagePullCredential": {"username": "$e", "token": "$e"},
        },
        {"image": "i"},
    ],
    "inputs": [{"filename": "$e", "content": "$e"}],
    "artifacts": [{"url": "http://h/$e", "mountpoint": "$e:/$e", "name": "$e"}, {"url": "u"}],
    "outputFiles": ["$e", "f"],
    "outputDirs": ["d/$e"],
    "resources": {"cpus": 1},
}


def test_parameters_are_replaced_where_the_contract_says_so_and_nowhere_else() -> None:
    before = copy.deepcopy(JOB)
    made = for_instance(JOB, SET)
    expected = copy.deepcopy(JOB)
    expected["tasks"][0] |= {"cmd": "run 'x y' 'x y' '-n=x y' '$HOME'", "env": {"A": "x y", "$e": "b"}}
    expected["artifacts"][0] |= {"url": "http://h/x y", "mountpoint": "x y:/x y"}
    expected |= {"outputFiles": ["x y", "f"], "outputDirs": ["d/x y"]}
    assert made == expected
    assert before == JOB


@pytest.mark.parametrize("parameters", [{}, {"other": "1"}])
def test_a_job_without_its_parameters_stays_as_it_is(parameters: dict[str, str]) -> None:
    assert for_instance(JOB, parameters) == JOB


@pytest.mark.parametrize("value", ["", "a b", "'", '"', "\\", 'it\'s "it"', "$(reboot)", "`x`", "-rf /", "\n", "$e"])
def test_a_word_of_a_command_stays_one_word_whatever_the_value(value: str) -> None:
    made = for_instance({"tasks": [{"image": "i", "cmd": "sh -c \"prog $e\" $e 'in $e'"}]}, {"e": value})
    assert shlex.split(made["tasks"][0]["cmd"]) == ["sh", "-c", f"prog {value}", value, f"in {value}"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=4), st.text(max_size=8))
def test_a_command_has_as_many_words_after_as_before(words: list[str], value: str) -> None:
    command = shlex.join([*words, "$e"])
    made = for_instance({"tasks": [{"image": "i", "cmd": command}]}, {"e": value})
    assert shlex.split(made["tasks"][0]["cmd"]) == substituted([*words, "$e"], {"e": value})
