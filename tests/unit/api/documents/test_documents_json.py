"""Bodies: JSON and nothing else."""

import pytest

from api.documents import MAX_DOCUMENT_BYTES, InvalidDocument, parse_job
from api.documents.strict_json import MAX_DEPTH, load


def refusal(body: bytes) -> InvalidDocument:
    with pytest.raises(InvalidDocument) as caught:
        parse_job(body)
    return caught.value


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "line 1, column 1"),
        (b"   ", "line 1, column 4"),
        (b"{", "line 1, column 2"),
        (b'{"name": "a",\n "labels": }', "line 2, column 12"),
        (b"{'name': 'a'}", "line 1, column 2"),
        (b'{"name": "a"} x', "line 1, column 15"),
        (b'{"name": "a\n"}', "line 1, column 12"),
        (b'{"name": "a', "line 1, column 10"),
        (b'{"name": 01}', "line 1, column 11"),
        (b"name=a", "line 1, column 1"),
        (b"\xef\xbb\xbf{}", "line 1, column 1"),
    ],
)
def test_what_is_not_json_is_refused_with_the_place(body: bytes, place: str) -> None:
    error = refusal(body)
    assert error.field == ""
    assert error.message.startswith(f"the body must be JSON, but is not at {place}: ")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[]", "a list"),
        (b'"a"', "a string"),
        (b"1", "a number"),
        (b"1.5", "a number"),
        (b"null", "null"),
        (b"true", "true"),
    ],
)
def test_a_body_that_is_not_an_object_is_refused(body: bytes, kind: str) -> None:
    error = refusal(body)
    assert error.field == ""
    assert error.message == f"the body must be a JSON object that describes a job, not {kind}"


@pytest.mark.parametrize(
    "body", [b"\xff", b'{"name": "\xe9"}', '{"name": "a"}'.encode("utf-16"), b'{"a": "\xed\xa0\x80"}']
)
def test_a_body_that_is_not_utf8_is_refused(body: bytes) -> None:
    error = refusal(body)
    assert error.field == ""
    assert error.message.startswith("the body must be UTF-8, but byte ")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"name": "a", "name": "a"}', "name"),
        (b'{"name": "a", "n\\u0061me": "b"}', "name"),
        (b'{"resources": {"cpus": 1, "memory": 1, "cpus": 2}}', "resources.cpus"),
        (b'{"tasks": [{}, {"env": {"A": "1", "A": "1"}}]}', "tasks[1].env.A"),
        (b'{"labels": {"a b": "1", "a b": "2"}}', "labels['a b']"),
    ],
)
def test_a_key_given_twice_is_refused_by_its_place(body: bytes, field: str) -> None:
    error = refusal(body)
    assert error.field == field
    assert error.message == f"{field} is given twice: keep one"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "-" + "9" * 33])
def test_a_number_that_is_none_is_refused_by_its_place(number: str) -> None:
    error = refusal(f'{{"resources": {{"memory": {number}}}}}'.encode())
    assert error.field == "resources.memory"
    assert "must be a finite number" in error.message


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"name": "\\ud800"}', "name"),
        (b'{"tasks": [{"cmd": "a\\udfffb"}]}', "tasks[0].cmd"),
        (b'{"labels": {"\\ud800": "a"}}', "labels['\\ud800']"),
    ],
)
def test_half_a_surrogate_pair_is_refused_by_its_place(body: bytes, field: str) -> None:
    error = refusal(body)
    assert error.field == field
    assert "has half of a surrogate pair" in error.message
    error.message.encode("utf-8")


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert load(b'"\\ud83d\\ude00"') == "\U0001f600"


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 5_000, 200_000])
def test_deep_nesting_is_refused(opening: bytes, depth: int) -> None:
    closing = b"]" if opening == b"[" else b"}"
    error = refusal(opening * depth + b"1" + closing * depth)
    assert error.message.endswith("must not be nested more than 32 deep")


def test_nesting_as_deep_as_allowed_is_read() -> None:
    tree = load(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    for _ in range(MAX_DEPTH - 1):
        assert len(tree) == 1
        tree = tree[0]
    assert tree == []


def test_a_body_that_is_too_large_is_refused() -> None:
    error = refusal(b" " * (MAX_DOCUMENT_BYTES + 1))
    assert error.field == ""
    assert f"at most {MAX_DOCUMENT_BYTES} bytes" in error.message


def test_a_body_with_too_many_values_is_refused_before_it_is_read() -> None:
    error = refusal(b"[" + b"{}," * 250_001 + b"{}]")
    assert error.message == "the body must have at most 250000 commas: describe less in one document"
