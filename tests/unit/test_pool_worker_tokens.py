"""Tokens of workers: what they say, and who signed them."""

from __future__ import annotations

import jwt
import pytest

from pool.worker_tokens import WorkerTokens

KEY = b"a signing key of a pool, as made by condor_store_cred"
SERVER = "0123456789abcdef" * 2


def claims(token: str) -> dict[str, object]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def tokens(key: bytes = KEY) -> WorkerTokens:
    return WorkerTokens(key, "pool.example", clock=lambda: 1000.9, new_id=lambda: "f00")


def test_a_token_says_who_for_whom_how_long_and_nothing_more() -> None:
    assert claims(tokens().mint_for("alice", 60)) == {
        "iss": "pool.example",
        "sub": "worker-for-alice@pool.example",
        "scope": "condor:/ADVERTISE_STARTD condor:/ADVERTISE_MASTER",
        "iat": 1000,
        "exp": 1060,
        "jti": "f00",
    }


@pytest.mark.parametrize(
    ("owner", "group", "subject"),
    [
        (None, None, f"worker-{SERVER}"),
        ("alice", None, f"worker-for-alice+{SERVER}"),
        (None, "vo_example_eu", f"worker-vo-vo_example_eu+{SERVER}"),
        ("alice", "bio", f"worker-for-alice+vo-bio+{SERVER}"),
    ],
)
def test_a_servers_token_is_bound_to_it_and_to_whom_it_serves(
    owner: str | None, group: str | None, subject: str
) -> None:
    said = claims(tokens().mint(SERVER, owner, group, 60))
    assert said["sub"] == f"{subject}@pool.example"
    assert said["scope"] == claims(tokens().mint_for("alice", 60))["scope"]


def test_two_keys_give_two_signatures() -> None:
    first, second = (tokens(key).mint_for("a", 1) for key in (KEY, KEY[:-1]))
    assert first.rpartition(".")[0] == second.rpartition(".")[0]
    assert first != second
