"""Tokens of workers, and who may use a worker."""

from __future__ import annotations

import classad2
import jwt
import pytest

from pool.worker_tokens import BOUND_TO_OWNER, WorkerTokens, may_use

KEY = b"a signing key of a pool, as made by condor_store_cred"


def test_a_token_says_who_for_whom_how_long_and_nothing_more() -> None:
    tokens = WorkerTokens(KEY, "pool.example", clock=lambda: 1000.9, new_id=lambda: "f00")
    claims = jwt.decode(tokens.mint_for("alice", 60), options={"verify_signature": False})
    assert claims == {
        "iss": "pool.example",
        "sub": "worker-for-alice@pool.example",
        "scope": "condor:/ADVERTISE_STARTD condor:/ADVERTISE_MASTER",
        "iat": 1000,
        "exp": 1060,
        "jti": "f00",
    }


def test_two_keys_give_two_signatures() -> None:
    first, second = (
        WorkerTokens(key, "d", clock=lambda: 0.0, new_id=lambda: "x").mint_for("a", 1) for key in (KEY, KEY[:-1])
    )
    assert first.rpartition(".")[0] == second.rpartition(".")[0]
    assert first != second


@pytest.mark.parametrize(
    ("identity", "owner", "may"),
    [
        ("worker-w1@pool", "alice", True),
        ("worker-for-alice@pool", "alice", True),
        ("worker-for-alice@pool", "alic", False),
        ("worker-for-alice@pool", "alice2", False),
        ("worker-for-bob-abc@pool", "bob", False),
        ("worker-for-@pool", "alice", False),
        (None, "alice", True),
    ],
)
def test_the_clause_and_the_rule_agree(identity: str | None, owner: str, may: bool) -> None:
    job, machine = classad2.ClassAd({"Owner": owner}), classad2.ClassAd()
    job["Requirements"] = classad2.ExprTree(BOUND_TO_OWNER)
    if identity is not None:
        machine["AuthenticatedIdentity"] = identity
    machine["Requirements"] = True
    assert job.symmetricMatch(machine) is may
    assert may_use(owner, identity) is may
