"""Access tokens of users' grants, from a real provider that lets each refresh token be used once."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from identity.grants.access import Grants
from identity.grants.errors import GrantMissing
from tests.oidc.provider import MEMBER, OidcProvider, claims
from tests.unit.database.postgres_server import PostgresServer
from tests.unit.identity.grants.conftest import Opening
from tests.unit.identity.grants.grants_support import Clock, refresh_often, settings_of, written


def test_a_grant_gives_an_access_token_of_its_user(grants: Grants, alice: str, oidc: OidcProvider) -> None:
    found = claims(grants.access_token(alice))
    assert (found["iss"], found["sub"], found["eduperson_entitlement"]) == (oidc.issuer, "alice", [MEMBER])


def test_whoever_lent_nothing_has_no_token(grants: Grants) -> None:
    with pytest.raises(GrantMissing) as caught:
        grants.access_token("nobody-here")
    assert caught.value.owner == "nobody-here"


def test_an_access_token_is_asked_for_once_in_its_life(
    grants: Grants, alice: str, oidc: OidcProvider, clock: Clock
) -> None:
    before = oidc.token_requests
    first = grants.access_token(alice)
    clock.added = oidc.access_token_seconds - 70
    assert grants.access_token(alice) == first
    clock.added = oidc.access_token_seconds - 50
    assert grants.access_token(alice) != first
    assert oidc.token_requests == before + 2


def test_each_refresh_token_is_shown_once_whoever_comes_next(
    opening: Opening, grants: Grants, alice: str, oidc: OidcProvider
) -> None:
    for process in [grants, *(opening() for _ in range(3))]:
        tokens = {process.access_token(alice, fresh=True) for _ in range(3)}
        assert len(tokens) == 3
    assert oidc.reused == 0


def test_threads_that_ask_at_once_are_given_one_new_token(grants: Grants, alice: str, oidc: OidcProvider) -> None:
    grants.access_token(alice)
    before = oidc.token_requests
    together = Barrier(8)

    def ask(_: int) -> str:
        together.wait(30)
        return grants.access_token(alice, fresh=True)

    with ThreadPoolExecutor(8) as threads:
        tokens = set(threads.map(ask, range(8)))
    # A thread that was late to ask may not be given a token that others had before it asked.
    assert len(tokens) == oidc.token_requests - before
    assert len(tokens) < 8
    assert oidc.reused == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_that_refresh_at_once_never_show_the_same_token(
    kind: str, oidc: OidcProvider, address: str, key_file: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        address = server.emptied()
    settings = settings_of(oidc, address, key_file)
    grants = Grants(settings)
    grants.database.migrate()
    owner = grants.put(oidc.issuer, "alice", oidc.sign_in("alice").refresh_token)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as processes:
        asked = [processes.submit(refresh_often, written(settings), owner, 10) for _ in range(2)]
        tokens = [token for each in asked for token in each.result(timeout=120)]
    assert len(set(tokens)) == 20
    assert oidc.reused == 0
    assert grants.usable() == {owner}
    grants.close()


def test_a_provider_that_keeps_refresh_tokens_serves_as_well(oidc_program: Path, address: str, key_file: Path) -> None:
    oidc = OidcProvider(oidc_program, rotate=False)
    oidc.start()
    try:
        grants = Grants(settings_of(oidc, address, key_file))
        grants.database.migrate()
        token = oidc.sign_in("alice").refresh_token
        owner = grants.put(oidc.issuer, "alice", token)
        assert len({grants.access_token(owner, fresh=True) for _ in range(3)}) == 3
        assert oidc.is_good(token)
        grants.close()
    finally:
        oidc.stop()


def test_a_client_without_a_secret_serves_as_well(opening: Opening, oidc: OidcProvider) -> None:
    public = f"{oidc.client}-public"
    grants = opening(client_id=public, client_secret=None)
    owner = grants.put(oidc.issuer, "alice", oidc.sign_in("alice", public).refresh_token)
    assert claims(grants.access_token(owner))["client_id"] == public


def test_a_grant_that_is_put_again_while_it_is_usable_changes_nothing(grants: Grants, oidc: OidcProvider) -> None:
    given = oidc.sign_in("alice").refresh_token
    owner = grants.put(oidc.issuer, "alice", given)
    grants.access_token(owner)
    assert grants.put(oidc.issuer, "alice", given) == owner
    grants.access_token(owner, fresh=True)
    assert oidc.reused == 0


def test_a_dropped_grant_gives_nothing_any_more(grants: Grants, alice: str) -> None:
    grants.access_token(alice)
    assert grants.drop(alice)
    assert grants.usable() == frozenset()
    with pytest.raises(GrantMissing):
        grants.access_token(alice)
    assert not grants.drop(alice)
