"""Signed links: nothing in them can be changed, left out or added, and their time ends."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from api.objects.errors import LinkExpired, LinkRefused
from api.objects.links import Grant, Method, expiry, granted, path_and_query

SECRET, OTHER = b"s" * 32, b"t" * 32
UPLOAD = Grant("PUT", "users/alice/a b/é", 1000, checksum="0" * 64, size=5, largest=10)
DOWNLOAD = Grant("GET", "jobs/1/out.txt", 1000, filename="out put.txt")


def parts(grant: Grant, secret: bytes = SECRET) -> tuple[str, dict[str, list[str]]]:
    split = urlsplit(path_and_query(grant, secret))
    return unquote(split.path), parse_qs(split.query, strict_parsing=True)


@pytest.mark.parametrize("grant", [UPLOAD, DOWNLOAD, Grant("PUT", "k", 1000), Grant("PUT", "k", 1000, size=0)])
def test_a_link_brings_back_what_was_granted(grant: Grant) -> None:
    assert granted(grant.method, *parts(grant), SECRET, 999.9) == grant


@pytest.mark.parametrize("grant", [UPLOAD, DOWNLOAD])
def test_a_link_ends_at_its_second(grant: Grant) -> None:
    with pytest.raises(LinkExpired):
        granted(grant.method, *parts(grant), SECRET, 1000.0)


def test_an_expired_link_that_was_changed_is_not_called_expired() -> None:
    key, query = parts(UPLOAD)
    with pytest.raises(LinkRefused):
        granted("PUT", key + "x", query, SECRET, 5000.0)


CHANGED = [
    {"e": ["2000"]},
    {"e": ["01000"]},
    {"e": ["+1000"]},
    {"e": ["1e3"]},
    {"e": ["\u0661\u0660\u0660\u0660"]},
    {"e": [""]},
    {"e": ["1000", "1000"]},
    {"c": ["1" * 64]},
    {"c": [""]},
    {"c": []},
    {"n": ["6"]},
    {"n": ["-5"]},
    {"n": []},
    {"m": ["11"]},
    {"m": []},
    {"f": ["x"]},
    {"s": ["0" * 64]},
    {"s": [""]},
    {"s": []},
    {"s": ["é"]},
    {"x": ["1"]},
]


@pytest.mark.parametrize("changed", CHANGED)
def test_each_part_of_a_link_is_bound(changed: dict[str, list[str]]) -> None:
    key, query = parts(UPLOAD)
    query = {name: values for name, values in {**query, **changed}.items() if values}
    with pytest.raises(LinkRefused):
        granted("PUT", key, query, SECRET, 999.0)


@pytest.mark.parametrize("name", ["e", "c", "n", "m", "s"])
def test_no_part_of_a_link_can_be_left_out(name: str) -> None:
    key, query = parts(UPLOAD)
    del query[name]
    with pytest.raises(LinkRefused):
        granted("PUT", key, query, SECRET, 999.0)


def test_no_character_of_the_signature_can_be_changed() -> None:
    key, query = parts(UPLOAD)
    signature = query["s"][0]
    for place, character in enumerate(signature):
        other = "0" if character != "0" else "1"
        forged = {**query, "s": [signature[:place] + other + signature[place + 1 :]]}
        with pytest.raises(LinkRefused):
            granted("PUT", key, forged, SECRET, 999.0)


@pytest.mark.parametrize(
    ("method", "key"),
    [
        ("GET", UPLOAD.key),
        ("PUT", "users/bob/a b/é"),
        ("PUT", UPLOAD.key + "/"),
        ("PUT", "/" + UPLOAD.key),
        ("PUT", UPLOAD.key.replace("/", "//", 1)),
        ("PUT", "users/alice/x/../a b/é"),
    ],
)
def test_a_link_is_for_one_method_and_one_key(method: Method, key: str) -> None:
    with pytest.raises(LinkRefused):
        granted(method, key, parts(UPLOAD)[1], SECRET, 999.0)


def test_a_link_of_another_secret_is_refused() -> None:
    with pytest.raises(LinkRefused):
        granted("PUT", *parts(UPLOAD, OTHER), SECRET, 999.0)


def test_texts_do_not_run_into_each_other_under_the_signature() -> None:
    one, other = Grant("GET", 'k","', 1000, filename="f"), Grant("GET", "k", 1000, filename='","f')
    assert parts(one)[1]["s"] != parts(other)[1]["s"]
    assert parts(replace(DOWNLOAD, filename="a\nb"))[1]["s"] != parts(replace(DOWNLOAD, filename="a b"))[1]["s"]


def test_a_lifetime_is_rounded_up_to_whole_seconds() -> None:
    assert expiry(100.2, 10) == 111
