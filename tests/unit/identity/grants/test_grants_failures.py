"""What happens to grants when their provider, their user, the database or this process fails."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from database.errors import DatabaseUnavailable
from identity.grants import endpoint, refreshing
from identity.grants.access import Grants
from identity.grants.errors import ClientRefused, GrantRefused, GrantUnavailable, IssuerNotServed, NotAGrant
from identity.grants.rows import LEASE, Rows
from tests.oidc.provider import OidcProvider
from tests.unit.database.postgres_server import PostgresServer
from tests.unit.identity.grants.conftest import Opening
from tests.unit.identity.grants.grants_support import Clock, claim_and_wait, settings_of, wait_for, written


def state(grants: Grants) -> tuple[str, str | None]:
    (row,) = grants.every()
    return row.state, row.why


@pytest.mark.parametrize("how", ["the service gives it back", "the user withdraws it"])
def test_a_grant_that_is_gone_is_refused_and_not_asked_for_again(
    how: str, grants: Grants, oidc: OidcProvider, opening: Opening
) -> None:
    given = oidc.sign_in("alice").refresh_token
    owner = grants.put(oidc.issuer, "alice", given)
    if "user" in how:
        oidc.withdraw("alice")
    else:
        oidc.revoke(given)
    with pytest.raises(GrantRefused) as caught:
        grants.access_token(owner)
    assert caught.value.owner == owner
    assert abs(caught.value.when - time.time()) < 60
    before = oidc.token_requests
    for process in (grants, opening()):
        with pytest.raises(GrantRefused, match="prominence-admin grants put"):
            process.access_token(owner)
        assert process.usable() == frozenset()
    assert oidc.token_requests == before
    assert state(grants)[0] == "refused"


def test_a_user_who_signs_in_again_has_a_usable_grant(grants: Grants, alice: str, oidc: OidcProvider) -> None:
    oidc.withdraw("alice")
    with pytest.raises(GrantRefused):
        grants.access_token(alice)
    grants.put(oidc.issuer, "alice", oidc.sign_in("alice").refresh_token)
    assert grants.usable() == {alice}
    assert grants.access_token(alice)


def test_a_grant_of_another_person_is_refused(grants: Grants, oidc: OidcProvider) -> None:
    owner = grants.put(oidc.issuer, "bob", oidc.sign_in("alice").refresh_token)
    with pytest.raises(GrantRefused, match="another person's"):
        grants.access_token(owner)
    assert grants.usable() == frozenset()


def test_a_provider_that_is_away_leaves_the_grant_usable(
    grants: Grants, alice: str, oidc: OidcProvider, clock: Clock
) -> None:
    with oidc.away():
        with pytest.raises(GrantUnavailable, match="no connection"):
            grants.access_token(alice)
        began = time.monotonic()
        with pytest.raises(GrantUnavailable):
            grants.access_token(alice)
        assert time.monotonic() - began < 1
    assert grants.usable() == {alice}
    clock.added += refreshing.QUIET
    assert grants.access_token(alice)
    assert oidc.reused == 0


def test_the_token_that_is_held_serves_while_the_provider_is_away(
    grants: Grants, alice: str, oidc: OidcProvider, clock: Clock
) -> None:
    token = grants.access_token(alice)
    clock.added = oidc.access_token_seconds - 30
    with oidc.away():
        assert grants.access_token(alice) == token
        with pytest.raises(GrantUnavailable):
            grants.access_token(alice, fresh=True)
        clock.added = oidc.access_token_seconds
        with pytest.raises(GrantUnavailable):
            grants.access_token(alice)


@pytest.mark.parametrize("status", [503, 429, 404])
def test_a_page_instead_of_an_answer_leaves_the_grant_usable(
    status: int, grants: Grants, alice: str, oidc: OidcProvider, clock: Clock
) -> None:
    oidc.fail(status)
    with pytest.raises(GrantUnavailable, match=str(status)):
        grants.access_token(alice)
    assert grants.usable() == {alice}
    clock.added += refreshing.QUIET
    assert grants.access_token(alice)


def test_a_provider_that_hangs_is_waited_for_in_bounds(
    grants: Grants, alice: str, oidc: OidcProvider, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    grants.access_token(alice)
    monkeypatch.setattr(endpoint, "READ_TIMEOUT", 0.5)
    began = time.monotonic()
    with oidc.frozen(), pytest.raises(GrantUnavailable, match="in time"):
        grants.access_token(alice, fresh=True)
    assert time.monotonic() - began < 5


def test_a_lost_answer_is_named_when_the_grant_is_refused_for_it(
    grants: Grants, alice: str, oidc: OidcProvider, clock: Clock
) -> None:
    oidc.lose_answers()
    with pytest.raises(GrantUnavailable):
        grants.access_token(alice)
    assert grants.usable() == {alice}
    clock.added += refreshing.QUIET
    with pytest.raises(GrantRefused, match="had no answer, which may have used it up"):
        grants.access_token(alice)


def test_a_client_that_the_provider_does_not_know_is_the_administrators_matter(
    opening: Opening, grants: Grants, alice: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong-secret"
    wrong.touch(0o600)
    wrong.write_text("wrong")
    with pytest.raises(ClientRefused, match="invalid_client"):
        opening(client_secret=str(wrong)).access_token(alice)
    assert grants.usable() == {alice}
    assert grants.access_token(alice)


def test_only_what_can_be_a_grant_is_stored(grants: Grants, oidc: OidcProvider) -> None:
    with pytest.raises(IssuerNotServed):
        grants.put("https://elsewhere.example.org", "alice", "token")
    for subject, token in (("", "token"), ("alice", ""), ("alice", "two\nlines"), ("alice", "x" * 20_000)):
        with pytest.raises(NotAGrant):
            grants.put(oidc.issuer, subject, token)
    assert grants.every() == []


def test_a_row_that_another_process_refreshes_is_left_alone(
    grants: Grants, alice: str, oidc: OidcProvider, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "_WAIT", 0.2)
    rows = Rows(grants.database)
    (row,) = grants.every()
    before = oidc.token_requests
    assert rows.claim(row, "a process that was killed", clock())
    assert not rows.claim(row, "another", clock())
    with pytest.raises(GrantUnavailable, match="another process"):
        grants.access_token(alice)
    assert oidc.token_requests == before
    clock.added += LEASE + 1
    assert grants.access_token(alice)


def test_the_claim_of_a_process_that_was_killed_is_taken_over_at_once(
    grants: Grants, alice: str, oidc: OidcProvider, address: str, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "_WAIT", 0.2)
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=claim_and_wait, args=(written(settings_of(oidc, address, key_file)), alice, theirs))
    process.start()
    try:
        assert ours.poll(60)
        assert ours.recv()
        with pytest.raises(GrantUnavailable, match="another process"):
            grants.access_token(alice)
    finally:
        process.kill()
        process.join(60)
    assert grants.access_token(alice)
    assert oidc.reused == 0


def test_an_orderly_end_waits_for_what_is_under_way(
    grants: Grants, alice: str, oidc: OidcProvider, opening: Opening
) -> None:
    grants.access_token(alice)
    with ThreadPoolExecutor(2) as threads:
        with oidc.frozen():
            asked = threads.submit(grants.access_token, alice, fresh=True)
            wait_for(lambda: grants.every()[0].claim)
            ended = threads.submit(grants.close)
            with pytest.raises(TimeoutError):
                ended.result(timeout=0.3)
        ended.result(timeout=60)
        assert asked.result(timeout=60)
    with pytest.raises(GrantUnavailable, match="ending"):
        grants.access_token(alice, fresh=True)
    assert opening().access_token(alice)
    assert oidc.reused == 0


def test_a_claim_that_lapsed_is_named_when_the_grant_is_refused(
    grants: Grants, alice: str, oidc: OidcProvider, clock: Clock
) -> None:
    (row,) = grants.every()
    assert Rows(grants.database).claim(row, "a process that was killed", clock())
    oidc.withdraw("alice")
    clock.added += LEASE + 1
    with pytest.raises(GrantRefused, match="had no answer"):
        grants.access_token(alice)


def test_a_process_that_stood_still_does_not_show_the_token(oidc: OidcProvider, address: str, key_file: Path) -> None:
    started = time.time()
    times: Iterator[float] = iter([started, started, started + endpoint.LONGEST + 1])
    grants = Grants(settings_of(oidc, address, key_file), clock=lambda: next(times))
    grants.database.migrate()
    owner = grants.put(oidc.issuer, "alice", oidc.sign_in("alice").refresh_token)
    before = oidc.token_requests
    with pytest.raises(GrantUnavailable, match="stood still"):
        grants.access_token(owner)
    assert oidc.token_requests == before
    assert grants.every()[0].claim is None
    grants.close()


def test_a_database_that_goes_away_before_the_successor_is_stored_loses_nothing(
    postgres: PostgresServer, oidc: OidcProvider, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "_WRITING", 0.2)
    grants = Grants(settings_of(oidc, postgres.emptied(), key_file))
    grants.database.migrate()
    owner = grants.put(oidc.issuer, "alice", oidc.sign_in("alice").refresh_token)
    held = grants.access_token(owner)
    with ThreadPoolExecutor(1) as thread:
        with oidc.frozen():
            asked = thread.submit(grants.access_token, owner, fresh=True)
            wait_for(lambda: grants.every()[0].claim)
            postgres.kill()
        with pytest.raises(DatabaseUnavailable):
            asked.result(timeout=60)
    assert grants.access_token(owner) == held
    with pytest.raises(DatabaseUnavailable):
        grants.usable()
    postgres.start()
    assert grants.usable() == {owner}
    assert grants.access_token(owner, fresh=True) != held
    assert oidc.reused == 0
    grants.close()


def test_a_grant_that_is_put_while_it_is_refreshed_holds(grants: Grants, alice: str, oidc: OidcProvider) -> None:
    newer = oidc.sign_in("alice").refresh_token
    grants.access_token(alice)
    with ThreadPoolExecutor(1) as thread:
        with oidc.frozen():
            asked = thread.submit(grants.access_token, alice, fresh=True)
            wait_for(lambda: grants.every()[0].claim)
            grants.put(oidc.issuer, "alice", newer)
        with pytest.raises(GrantUnavailable, match="replaced"):
            asked.result(timeout=60)
    grants.access_token(alice)
    assert not oidc.is_good(newer)
    assert oidc.reused == 0


def test_no_secret_stands_in_a_message_or_a_log(
    grants: Grants, oidc: OidcProvider, clock: Clock, caplog: pytest.LogCaptureFixture, opening: Opening
) -> None:
    caplog.set_level(logging.DEBUG)
    given = oidc.sign_in("alice").refresh_token
    owner = grants.put(oidc.issuer, "alice", given)
    said = [repr(grants.every())]
    oidc.fail(500)
    with pytest.raises(GrantUnavailable) as unavailable:
        grants.access_token(owner)
    clock.added += refreshing.QUIET
    token = grants.access_token(owner)
    oidc.withdraw("alice")
    with pytest.raises(GrantRefused) as refused:
        grants.access_token(owner, fresh=True)
    said += [repr(unavailable.getrepr()), repr(refused.getrepr()), caplog.text, repr(state(grants))]
    for secret in (given, token, oidc.secret):
        assert not [text for text in said if secret in text]
