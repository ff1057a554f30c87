"""Names that people choose: which are refused, whose they are, and that nobody reaches another's."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.objects.errors import InvalidName, NotInGroup
from api.objects.names import (
    LONGEST_NAME,
    check_name,
    group_prefix,
    job_prefix,
    listed,
    owned_key,
    owner_prefix,
    user_prefix,
)

HOSTILE = [
    "",
    ".",
    "..",
    "/",
    "/etc/passwd",
    "a/",
    "a//b",
    "a/../b",
    "../a",
    "a/..",
    "a/./b",
    "a\0b",
    "a\nb",
    "a\rb",
    "a\tb",
    "a\x1b[2Jb",
    "a\x7fb",
    "a\x85b",
    "a\u2028b",
    "a\\b",
    "..\\a",
    "a%2fb",
    "a%2Fb",
    "%2e%2e",
    "a%5Cb",
    "a%00",
    "\ud800",
    "a\udcffb",
    "x" * 4000,
    "é" * (LONGEST_NAME // 2 + 1),
]
HARMLESS = [
    "a",
    "a b",
    "...",
    ".hidden",
    "-rf",
    "a:b",
    "a'b\"c",
    "$(id)",
    "`id`",
    "a;b&c|d",
    "100%",
    "%41",
    "naïve 文件 😀.txt",
    "C:",
    "NUL",
    "a?b#c",
    "~",
    "x" * LONGEST_NAME,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(InvalidName) as refused:
        check_name(name, "filename")
    assert refused.value.message.startswith("filename must ")
    assert refused.value.status == 400
    with pytest.raises((InvalidName, NotInGroup)):
        owned_key(f"a/{name}", "alice", ["a", "a/b"], "filename")


@pytest.mark.parametrize("name", HARMLESS)
def test_a_strange_but_harmless_name_is_kept_as_it_is(name: str) -> None:
    assert owned_key(name, "alice", [], "filename") == f"users/alice/{name}"


@pytest.mark.parametrize(
    ("name", "groups", "key"),
    [
        ("g/x", ["g"], "groups/g/x"),
        ("g/a/b/x", ["g"], "groups/g/a/b/x"),
        ("a/b/x", ["a"], "groups/a/b/x"),
        ("a/b/x", ["a/b"], "groups/a=2Fb/x"),
        ("a/b/x", ["a", "a/b"], "groups/a=2Fb/x"),
        ("vo.example.org/x", ["vo.example.org"], "groups/vo.example.org/x"),
        ("..x/y", ["..x"], "groups/=2E=2Ex/y"),
        ("é/y", ["é"], "groups/=C3=A9/y"),
    ],
)
def test_a_name_with_a_slash_is_its_groups(name: str, groups: list[str], key: str) -> None:
    assert owned_key(name, "alice", groups, "filename") == key


@pytest.mark.parametrize(
    ("name", "groups"),
    [("g/x", []), ("g/x", ["gg"]), ("gg/x", ["g"]), ("g/x", ["g/x"]), ("users/bob/x", ["g"]), ("g/x", [""])],
)
def test_a_group_that_the_caller_is_not_in_is_refused(name: str, groups: list[str]) -> None:
    with pytest.raises(NotInGroup):
        owned_key(name, "alice", groups, "filename")


def test_a_listing_names_the_group_and_what_is_in_it() -> None:
    assert listed("g", ["g"], "path") == ("g", "")
    assert listed("g/", ["g"], "path") == ("g", "")
    assert listed("g/sub/a", ["g"], "path") == ("g", "sub/a")
    with pytest.raises(NotInGroup):
        listed("alice", ["g"], "path")
    with pytest.raises(InvalidName):
        listed("/", ["g"], "path")


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.sets(texts, min_size=2, max_size=6))
def test_no_group_is_within_another(groups: set[str]) -> None:
    prefixes = [group_prefix(group) for group in groups]
    for one, other in combinations(prefixes, 2):
        assert not one.startswith(other)
        assert not other.startswith(one)
        assert one.count("/") == 2


def test_the_owner_of_a_key_can_be_read_from_it() -> None:
    assert owner_prefix("users/alice/x") == user_prefix("alice")
    assert owner_prefix("groups/g/a/b") == group_prefix("g")
    assert owner_prefix("jobs/0123/out/x") == job_prefix("0123")


def test_the_longest_key_fits_into_s3() -> None:
    group = "é" * 50
    assert len(owned_key(f"{group}/{'x' * (LONGEST_NAME - 101)}", "alice", [group], "filename").encode()) <= 1024
