"""The rights of users as drivers and the plan see them, while providers, users and the database do what they do."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from cloud_provisioner.drivers.contract import CloudRefused
from cloud_provisioner.grants.lending import INTERVAL, Lending
from cloud_provisioner.servers.failures import Failure
from identity.grants import refreshing
from identity.grants.access import Grants
from tests.oidc.provider import OidcProvider, claims
from tests.unit.identity.grants.conftest import Opening
from tests.unit.identity.grants.grants_support import Clock


def refusal(lending: Lending, owner: str, fresh: bool = False) -> CloudRefused:
    with pytest.raises(CloudRefused) as caught:
        lending.credential(owner).access_token(fresh=fresh)
    assert caught.value.sentence.startswith("`credentials`")
    return caught.value


def test_a_credential_gives_its_users_tokens(grants: Grants, alice: str) -> None:
    lending = Lending(grants)
    assert lending.lenders() == frozenset({alice})
    credential = lending.credential(alice)
    first = credential.access_token()
    assert claims(first)["sub"] == "alice"
    assert credential.access_token() == first
    assert credential.access_token(fresh=True) != first


def test_a_grant_that_was_withdrawn_is_this_users_failure_and_ends_the_lending(
    grants: Grants, alice: str, oidc: OidcProvider, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    lending = Lending(grants, clock.ticks)
    assert lending.lenders() == frozenset({alice})
    oidc.withdraw("alice")
    assert refusal(lending, alice).failure is Failure.AUTH
    assert refusal(lending, alice).failure is Failure.AUTH
    clock.added += INTERVAL
    with caplog.at_level(logging.WARNING):
        assert lending.lenders() == frozenset()
    assert alice in caplog.text


def test_whoever_lent_nothing_is_refused(grants: Grants) -> None:
    assert refusal(Lending(grants), "bob").failure is Failure.AUTH


def test_a_provider_that_is_away_may_come_back(grants: Grants, alice: str, oidc: OidcProvider, clock: Clock) -> None:
    lending = Lending(grants, clock.ticks)
    with oidc.away():
        assert refusal(lending, alice).failure is Failure.BUSY
        assert lending.lenders() == frozenset({alice})
    clock.added += refreshing.QUIET
    assert lending.credential(alice).access_token()


def test_a_client_that_is_refused_is_no_reason_to_keep_others_waiting(
    opening: Opening, grants: Grants, alice: str
) -> None:
    assert refusal(Lending(opening(client_id="unknown", client_secret=None)), alice).failure is Failure.AUTH


def test_who_lends_is_remembered_while_the_database_is_away(
    grants: Grants, alice: str, clock: Clock, tmp_path: Path
) -> None:
    lending, later = Lending(grants, clock.ticks), Lending(grants, clock.ticks)
    assert lending.lenders() == frozenset({alice})
    token = lending.credential(alice).access_token()
    grants.database.close()
    for file in tmp_path.glob("grants.sqlite*"):
        file.rename(file.with_name(f"away-{file.name}"))
    (tmp_path / "grants.sqlite").mkdir()
    clock.added += INTERVAL
    assert lending.lenders() == frozenset({alice})
    assert later.lenders() is None
    assert lending.credential(alice).access_token() == token
    assert refusal(lending, alice, fresh=True).failure is Failure.BUSY


def test_without_grants_in_the_settings_nobody_lends() -> None:
    lending = Lending(None)
    assert lending.lenders() == frozenset()
    assert refusal(lending, "alice").failure is Failure.AUTH
