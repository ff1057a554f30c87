"""Whose jobs a worker serves: the clause of every job's requirements, as HTCondor reads it, and the rule in Python."""

from __future__ import annotations

import classad2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.caller import group_slug, owner_of
from pool.binding import SERVES, may_use, name_of

SERVER = "0123456789abcdef" * 2
NAMES = st.text("abv019._-", min_size=1, max_size=6)
OWNERS = st.one_of(NAMES, st.builds(owner_of, st.just("i"), st.text(max_size=9), st.just("i")))
GROUPS = st.one_of(NAMES, st.text(max_size=9).map(group_slug))
SERVERS = st.text("0123456789abcdef", min_size=32, max_size=32)
HOSTILE = st.text("abv-+@.ofrwk", max_size=8)
"""Names that nobody has, with the signs that mean something in an identity."""
IDENTITIES = st.one_of(
    st.none(),
    HOSTILE,
    st.lists(
        st.sampled_from(["worker-", "worker-for-", "worker-vo-", "vo-", "+", "@", "a", "b", "Worker-For-", SERVER]),
        max_size=8,
    ).map("".join),
    st.builds(lambda *parts: f"{name_of(*parts)}@pool", SERVERS, st.none() | OWNERS, st.none() | GROUPS),
)


def clause(owner: str, group: str | None, identity: str | None) -> bool:
    """What HTCondor makes of the clause, for a job and a worker."""
    job, machine = classad2.ClassAd({"Owner": owner}), classad2.ClassAd({"Requirements": True})
    if group is not None:
        job["AcctGroup"] = group
    if identity is not None:
        machine["AuthenticatedIdentity"] = identity
    job["Requirements"] = classad2.ExprTree(SERVES)
    return bool(job.symmetricMatch(machine))


@pytest.mark.parametrize(
    ("identity", "owner", "group", "may"),
    [
        (None, "alice", "bio", True),
        ("worker-w1@pool", "alice", "bio", True),
        (f"worker-{SERVER}@pool", "alice", "bio", True),
        ("worker-for-alice@pool", "alice", "bio", True),
        ("worker-for-alice@pool", "alic", "bio", False),
        ("worker-for-alice@pool", "alice2", "bio", False),
        ("worker-for-bob-abc@pool", "bob", "bio", False),
        ("worker-for-@pool", "alice", "bio", False),
        (f"worker-for-alice+{SERVER}@pool", "alice", "bio", True),
        (f"worker-for-alice+{SERVER}@pool", "alice2", "bio", False),
        (f"worker-vo-bio+{SERVER}@pool", "alice", "bio", True),
        (f"worker-vo-bio+{SERVER}@pool", "alice", "bio2", False),
        (f"worker-vo-bio2+{SERVER}@pool", "alice", "bio", False),
        (f"worker-for-alice+vo-bio+{SERVER}@pool", "alice", "bio", True),
        (f"worker-for-alice+vo-bio+{SERVER}@pool", "alice", "geo", False),
        (f"worker-for-alice+vo-bio+{SERVER}@pool", "bob", "bio", False),
    ],
)
def test_a_worker_serves_those_whom_its_identity_names(identity: str | None, owner: str, group: str, may: bool) -> None:
    assert clause(owner, group, identity) is may
    assert may_use(owner, group, identity) is may


@given(OWNERS | HOSTILE, GROUPS | HOSTILE, IDENTITIES)
def test_the_clause_and_the_rule_agree(owner: str, group: str, identity: str | None) -> None:
    assert clause(owner, group, identity) is may_use(owner, group, identity)


@given(OWNERS, GROUPS, SERVERS, OWNERS, GROUPS, st.booleans(), st.booleans())
def test_a_bound_worker_serves_its_owner_and_group_and_nobody_else(
    owner: str, group: str, server: str, other: str, others: str, to_user: bool, to_group: bool
) -> None:
    identity = f"{name_of(server, owner if to_user else None, group if to_group else None)}@pool"
    assert may_use(owner, group, identity)
    fits = (not to_user or other == owner) and (not to_group or others == group)
    assert may_use(other, others, identity) is fits


def test_a_job_without_an_accounting_group_runs_on_no_worker_of_a_group() -> None:
    assert clause("alice", None, f"worker-{SERVER}@pool")
    assert not clause("alice", None, f"worker-vo-bio+{SERVER}@pool")
    assert not clause("alice", None, f"worker-for-alice+vo-bio+{SERVER}@pool")


@pytest.mark.parametrize(
    ("server", "owner", "group"),
    [
        (None, None, None),
        (None, "alice", "bio"),
        ("x", None, None),
        (SERVER.upper(), None, None),
        (SERVER, "a+vo-bio", None),
        (SERVER, "a@b", None),
        (SERVER, "", None),
        (SERVER, None, "bio+x"),
        (SERVER, "a\n", None),
    ],
)
def test_no_identity_is_made_of_what_could_be_read_as_anothers(
    server: str | None, owner: str | None, group: str | None
) -> None:
    with pytest.raises(ValueError, match="worker"):
        name_of(server, owner, group)
