"""What is held in memory for an owner goes when the grant has gone."""

from __future__ import annotations

from identity.grants.held import Token, Tokens


def test_nothing_is_kept_of_owners_whose_grants_have_gone_but_a_lock_that_somebody_holds() -> None:
    tokens = Tokens()
    locks = {}
    for owner in ("ann", "bob", "eve"):
        locks[owner] = tokens.fetching(owner)
        tokens.put(owner, Token("t", 0.0, 60.0, 0.0))
    with locks["eve"]:
        tokens.keep(["ann"])
        assert tokens.fetching("eve") is locks["eve"]
    assert tokens.fetching("ann") is locks["ann"]
    assert tokens.fetching("bob") is not locks["bob"]
    assert [owner for owner in locks if tokens.get(owner)] == ["ann"]
