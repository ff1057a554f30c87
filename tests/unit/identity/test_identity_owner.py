"""Promises of the names that HTCondor knows users and organisations by."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from identity.caller import group_slug, owner_of

HOME = "https://aai.example.eu/oidc"
AWAY = "https://elsewhere.example.org"

issuers = st.sampled_from([HOME, AWAY, "https://third.example.net"])
near_names = st.from_regex(r"[a-zA-Z_.@-]{0,4}[a-zA-Z0-9_.@-]{0,36}", fullmatch=True)
subjects = st.one_of(st.text(max_size=40), near_names)


@pytest.mark.parametrize("subject", ["alice", "a", "_svc", "alice.smith", "a1_2", "x" * 32])
def test_a_plain_subject_of_the_primary_issuer_stands_for_itself(subject: str) -> None:
    assert owner_of(HOME, subject, HOME) == subject


@pytest.mark.parametrize(
    "subject",
    ["", "Alice", "alice-b", "1alice", "alice@example.org", "x" * 33, "a..b", "alice.", ".a", "alice\n", "älice"],
)
def test_any_other_subject_is_hashed(subject: str) -> None:
    assert re.fullmatch(r"[a-z_][a-z0-9_.]*-[a-z2-7]{10}", owner_of(HOME, subject, HOME))


@pytest.mark.parametrize(
    "subject",
    [
        "condor",
        "root",
        "prominence",
        "nobody",
        "worker",
        "worker1",
        "worker_a.b",
        "condor_pool",
        "daemon",
        "provisioner",
    ],
)
def test_a_name_with_a_meaning_is_never_an_owner(subject: str) -> None:
    for issuer in (HOME, AWAY):
        assert re.fullmatch(rf"u_{re.sub('[^a-z0-9]', '_', subject)}-[a-z2-7]{{10}}", owner_of(issuer, subject, HOME))


@given(issuers, subjects)
def test_no_owner_begins_like_a_worker_or_the_pool(issuer: str, subject: str) -> None:
    assert not owner_of(issuer, subject, HOME).startswith(("worker", "condor", "prominence"))


def test_the_same_subject_of_another_issuer_is_another_owner() -> None:
    assert owner_of(AWAY, "alice", HOME) != "alice"
    assert owner_of(AWAY, "alice", HOME) != owner_of("https://third.example.net", "alice", HOME)


def test_an_owner_never_changes() -> None:
    assert owner_of(AWAY, "Alice.Smith@example.org", HOME) == "alice_smith_example-smgwpvdvja"


@given(issuers, subjects)
def test_every_owner_is_safe_and_short(issuer: str, subject: str) -> None:
    assert re.fullmatch(r"[a-z_][a-z0-9_.-]{0,32}", owner_of(issuer, subject, HOME))


@given(issuers, subjects, issuers, subjects)
def test_two_users_never_share_an_owner(one: str, alice: str, other: str, bob: str) -> None:
    assume((one, alice) != (other, bob))
    # HTCondor compares names without regard to case.
    assert owner_of(one, alice, HOME).lower() != owner_of(other, bob, HOME).lower()


@given(subjects)
def test_nobody_can_name_themselves_like_a_hashed_owner(subject: str) -> None:
    hashed = owner_of(AWAY, subject, HOME)
    assert owner_of(HOME, hashed, HOME) != hashed


@pytest.mark.parametrize(
    ("vo", "slug"),
    [("fusion", "fusion"), ("vo.access.egi.eu", "vo_access_egi_eu"), ("a1.b2", "a1_b2")],
)
def test_an_ordinary_organisation_keeps_its_name_with_underscores_for_dots(vo: str, slug: str) -> None:
    assert group_slug(vo) == slug


@pytest.mark.parametrize("vo", ["a_b", "a-b", "A.b", "a..b", ".a", "a.", "1a", "", "worker b", "a" * 65, "voé"])
def test_an_unusual_organisation_is_hashed(vo: str) -> None:
    assert re.fullmatch(r"[a-z_][a-z0-9_]*-[a-z2-7]{10}", group_slug(vo))


@given(st.one_of(st.text(max_size=20), near_names), st.one_of(st.text(max_size=20), near_names))
def test_two_organisations_never_share_a_group(one: str, other: str) -> None:
    assume(one != other)
    assert group_slug(one) != group_slug(other)
    assert re.fullmatch(r"[a-z0-9_-]{1,64}", group_slug(one))
