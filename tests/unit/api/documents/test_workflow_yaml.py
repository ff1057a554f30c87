"""Workflows in YAML and lists of jobs: the same documents written otherwise, and nothing that YAML adds to them."""

import contextlib
import json
import re
import time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from api.documents import InvalidDocument
from api.documents.parse import YAML_TYPES, parse_job, parse_workflow
from api.documents.strict_yaml import MAX_VALUES, load
from tests.unit.api.documents.workflow_support import job, workflow

JOBS = """
# two steps
- &first
  resources: &small {cpus: 1, memory: 0.5}
  tasks:
  - image: busybox
    cmd: "echo yes"
    env: {DEBUG: on, WHEN: 2024-01-01, AT: 1:30, EMPTY: ''}
- name: second
  resources:
    <<: *small
    cpus: 2
  tasks: [{image: busybox}]
- *first
"""


def refused(text: str | bytes) -> str:
    """The sentence of the refusal of a YAML text."""
    with pytest.raises(InvalidDocument) as caught:
        load(text if isinstance(text, bytes) else text.encode())
    assert caught.value.message.startswith("the body ")
    assert not re.search(r"[\x00-\x1f]", caught.value.message)
    return caught.value.message


@pytest.mark.parametrize("media_type", [*YAML_TYPES, "Application/YAML; charset=utf-8"])
def test_a_list_of_jobs_in_yaml_is_a_workflow_without_dependencies(media_type: str) -> None:
    made = parse_workflow(JOBS.encode(), media_type)
    assert [each.name for each in made.jobs] == ["job1", "second", "job3"]
    assert (made.name, made.dependencies) == ("", {})
    assert made.jobs[0].tasks[0].env == {"DEBUG": "on", "WHEN": "2024-01-01", "AT": "1:30", "EMPTY": ""}
    assert (made.jobs[1].resources.cpus, made.jobs[1].resources.memory) == (2, 0.5)


@pytest.mark.parametrize(
    "media_type", [None, "", "application/json", "text/plain", "application/x-www-form-urlencoded"]
)
def test_a_body_is_json_where_nothing_says_yaml(media_type: str | None) -> None:
    assert parse_workflow(json.dumps(workflow("a")).encode(), media_type).jobs[0].name == "a"
    with pytest.raises(InvalidDocument, match="must be JSON"):
        parse_workflow(JOBS.encode(), media_type)


def test_a_whole_workflow_may_be_yaml() -> None:
    wire = workflow(job("a b"), "c", dependencies={"a b": ["c"]}, name="w")
    assert parse_workflow(yaml.safe_dump(wire).encode(), "application/yaml") == parse_workflow(
        json.dumps(wire).encode()
    )


def test_a_job_may_be_yaml_where_its_media_type_says_so() -> None:
    wire = job("a")
    assert parse_job(yaml.safe_dump(wire).encode(), "application/yaml") == parse_job(json.dumps(wire).encode())
    with pytest.raises(InvalidDocument, match="must be JSON"):
        parse_job(yaml.safe_dump(wire).encode())


def test_names_that_are_missing_in_a_list_are_given_and_never_twice() -> None:
    jobs = [
        {key: value for key, value in job("").items() if key != "name"},
        job("job3"),
        job(""),
        job("a"),
        job("job6"),
    ]
    made = parse_workflow(json.dumps(jobs).encode())
    assert [each.name for each in made.jobs] == ["job1", "job3", "job7", "a", "job6"]


def test_names_that_are_missing_in_a_workflow_are_not_given() -> None:
    with pytest.raises(InvalidDocument, match="is required"):
        parse_workflow(json.dumps({"jobs": [{key: value for key, value in job("").items() if key != "name"}]}).encode())


@pytest.mark.parametrize(("entry", "words"), [(1, "jobs[0] must be an object, not a number"), (None, "jobs[0] must")])
def test_what_is_no_job_in_a_list_is_refused_by_its_place(entry: Any, words: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse_workflow(json.dumps([entry]).encode())
    assert words in caught.value.message


@pytest.mark.parametrize("body", ["", "# nothing\n", "---\n", "a text", "3"])
def test_yaml_that_is_no_object_or_list_is_refused(body: str) -> None:
    with pytest.raises(InvalidDocument, match="an object that describes a workflow or a list of jobs"):
        parse_workflow(body.encode(), "application/yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[yes, no, on, off, y, True, FALSE]", ["yes", "no", "on", "off", "y", True, False]),
        ("[~, null, NULL, '', 'null', nil]", [None, None, None, "", "null", "nil"]),
        ("[1, -2, +3, 010, 0o17, 0x1F, 1_000, 12:30:45]", [1, -2, 3, 10, 15, 31, "1_000", "12:30:45"]),
        ("[1.5, .5, 1., 1e3, -1E-2, '1.5', 1.2.3, .]", [1.5, 0.5, 1.0, 1000.0, -0.01, "1.5", "1.2.3", "."]),
        ("[2024-01-01, =, <<, '<<']", ["2024-01-01", "=", "<<", "<<"]),
        ("a: |\n  x\n  y\nb: >\n  x\n  y\n", {"a": "x\ny\n", "b": "x y\n"}),
        ("{1: a, true: b, ~: c, '<<': d}", {"1": "a", "true": "b", "~": "c", "<<": "d"}),
        ("[&a [1], *a, &a 2, *a]", [[1], [1], 2, 2]),
        ("[&a {x: 1, y: 1}, {<<: *a, y: 2}]", [{"x": 1, "y": 1}, {"x": 1, "y": 2}]),
        ("[&a {x: 1}, &b {x: 2, y: 2}, {z: 3, <<: [*a, *b]}]", [{"x": 1}, {"x": 2, "y": 2}, {"x": 1, "y": 2, "z": 3}]),
        ("\ufeffa: 1", {"a": 1}),
        ("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}),
        ("{&k key: 1, other: *k}", {"key": 1, "other": "key"}),
    ],
)
def test_plain_words_are_what_yaml_1_2_takes_them_for(text: str, expected: Any) -> None:
    made = load(text.encode())
    assert made == expected
    assert json.dumps(made, sort_keys=True) == json.dumps(expected, sort_keys=True), "true is not 1, and 1.0 is not 1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "line 2, column 1 must be YAML, but is not"),
        ("a: 1\n\tb: 2", "line 2"),
        ("a: \x01", "must be YAML"),
        ('"\\ud800"', "must be YAML"),
        (b"a: \xff", "must be UTF-8, but byte 3 is not"),
        ("{a: 1, b: {c: 1, c: 2}}", "line 1, column 18 gives the key 'c' twice"),
        ("{a: 1, 'a': 2}", "the key 'a' twice"),
        ("[.inf]", "finite"),
        ("[-.INF]", "finite"),
        ("[.nan]", "finite"),
        ("[1e999]", "finite"),
        ("[" + "9" * 33 + "]", "digits"),
        ("!!python/object/apply:os.system [reboot]", "must have no tags"),
        ("[!!int '3']", "remove 'tag:yaml.org,2002:int'"),
        ("[!local x]", "remove '!local'"),
        ("{!!str a: 1}", "plain texts for keys"),
        ("{[a]: 1}", "plain texts for keys"),
        ("{? {a: 1} : 2}", "plain texts for keys"),
        ("[&a x, {*a : 1}]", "plain texts for keys"),
        ("[*a]", "the alias 'a'"),
        ("&a [*a]", "the alias 'a'"),
        ("&a {b: {c: *a}}", "the alias 'a'"),
        ("{<<: 1}", "an object, or a list of objects, after <<"),
        ("{<<: [{a: 1}, 2]}", "an object, or a list of objects, after <<"),
        ("a: 1\n---\nb: 2", "one YAML document, but another begins"),
        ("[" * 33 + "]" * 33, "nested more than 32 deep"),
        ("- " * 33 + "x", "nested more than 32 deep"),
        ("[" * 1_000_000, "nested more than 32 deep"),
        ("{a: " * 1_000_000, "nested more than 32 deep"),
        ("[&a " + "[" * 20 + "]" * 20 + ", " + "[" * 20 + "*a" + "]" * 21, "nested more than 32 deep"),
    ],
)
def test_what_is_not_plain_yaml_is_refused(text: str | bytes, words: str) -> None:
    assert words in refused(text)


def test_as_deep_as_documents_may_be_is_accepted() -> None:
    assert load(b"[" * 32 + b"]" * 32) is not None


def in_time(text: str) -> str:
    begun = time.process_time()
    message = refused(text)
    assert time.process_time() - begun < 3
    return message


def test_aliases_cannot_make_a_small_text_a_large_document() -> None:
    laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    laughs += "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 20))
    assert f"at most {MAX_VALUES} values" in in_time(laughs)


def test_an_alias_of_a_long_text_counts_with_all_its_characters() -> None:
    assert "characters" in in_time(f"- &a {'x' * 1_000_000}\n" + "- *a\n" * 100)


def test_merging_counts_what_it_merges() -> None:
    many = "- &a {" + ", ".join(f"k{n}: 1" for n in range(1000)) + "}\n"
    assert f"at most {MAX_VALUES} values" in in_time(many + "- {<<: [" + ", ".join(["*a"] * 1000) + "]}\n")


def test_there_are_at_most_so_many_values() -> None:
    assert f"at most {MAX_VALUES} values" in in_time("- x\n" * (MAX_VALUES + 10))


# Breaks of lines are written in YAML in ways of its own, which its writers do not agree on.
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=8)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | LINES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab1:-# '\"", max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(TREES)
@settings(deadline=None, max_examples=200)
def test_json_is_yaml(tree: Any) -> None:
    assert load(json.dumps(tree, ensure_ascii=False).encode()) == tree


WORDS = st.text("abyn~:-# '\"\\*&!|>?%@`{}[],é", max_size=8)  # no numbers: writers of YAML 1.1 leave 1e5 without quotes


@given(st.recursive(WORDS | st.none() | st.booleans(), lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner)))
@settings(deadline=None, max_examples=200)
def test_what_others_write_as_yaml_is_read_as_they_meant_it(tree: Any) -> None:
    assert load(yaml.safe_dump(tree, allow_unicode=True).encode()) == tree


@given(st.text("[]{}:,-&*!|>'\"%@` \n\tab01.#<~?", max_size=40) | st.binary(max_size=40))
@settings(deadline=None, max_examples=300)
def test_any_text_is_a_tree_or_refused(text: str | bytes) -> None:
    with contextlib.suppress(InvalidDocument):
        load(text.encode() if isinstance(text, str) else text)
