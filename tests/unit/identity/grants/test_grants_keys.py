"""The keys that encrypt users' grants, and what is stored with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import ValidationError
from sqlalchemy import update

from identity.errors import Misconfigured
from identity.grants.access import Grants
from identity.grants.errors import GrantUnreadable
from identity.grants.sealing import KEPT, add_key, read_keys
from identity.grants.settings import GrantSettings
from identity.grants.tables import SCHEMA, metadata
from identity.grants.tables import grants as table
from tests.oidc.provider import OidcProvider
from tests.unit.database.postgres_server import PostgresServer
from tests.unit.identity.grants.conftest import Opening
from tests.unit.identity.grants.grants_support import settings_of


def test_the_migrations_make_the_table_that_the_program_uses(
    grants: Grants, postgres: PostgresServer, oidc: OidcProvider, key_file: Path
) -> None:
    other = Grants(settings_of(oidc, postgres.emptied(), key_file))
    other.database.migrate()
    for each in (grants, other):
        with each.database.reading() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "version_table": SCHEMA.version_table}
            )
            assert compare_metadata(context, metadata) == []
    other.close()


def test_what_is_stored_does_not_show_the_token(grants: Grants, oidc: OidcProvider, tmp_path: Path) -> None:
    given = oidc.sign_in("alice").refresh_token
    grants.put(oidc.issuer, "alice", given)
    grants.close()
    assert not [file for file in tmp_path.iterdir() if given.encode() in file.read_bytes()]


def test_keys_are_rotated_while_grants_are_used(opening: Opening, grants: Grants, alice: str, key_file: Path) -> None:
    old = read_keys(key_file)[0]
    assert grants.rotate() == (1, [])
    assert read_keys(key_file)[1] == old
    grants.access_token(alice)
    assert opening().rotate() == (1, [])
    assert old not in read_keys(key_file)
    assert len(read_keys(key_file)) == KEPT
    grants.access_token(alice, fresh=True)


def test_no_key_is_thrown_away_while_a_grant_cannot_be_read(
    opening: Opening, grants: Grants, alice: str, key_file: Path, oidc: OidcProvider
) -> None:
    kept = key_file.read_bytes()
    key_file.unlink()
    add_key(key_file)
    bob = grants.put(oidc.issuer, "bob", oidc.sign_in("bob").refresh_token)
    for _ in range(KEPT):
        assert grants.rotate() == (1, [alice])
    assert len(read_keys(key_file)) == KEPT + 1
    with pytest.raises(GrantUnreadable, match="key file"):
        grants.access_token(alice)
    assert grants.access_token(bob)
    key_file.write_bytes(key_file.read_bytes() + kept)
    assert grants.access_token(alice)


def test_a_grant_is_of_no_use_in_the_row_of_another_user(grants: Grants, alice: str, oidc: OidcProvider) -> None:
    mallory = grants.put(oidc.issuer, "mallory", oidc.sign_in("mallory").refresh_token)
    (theirs,) = [row for row in grants.every() if row.owner == alice]
    with grants.database.writing() as connection:
        connection.execute(update(table).where(table.c.owner == mallory).values(sealed=theirs.sealed))
    with pytest.raises(GrantUnreadable):
        grants.access_token(mallory)


@pytest.mark.parametrize("content", [None, b"", b"no key\n"])
def test_a_key_file_that_cannot_be_used_is_named(
    content: bytes | None, grants: Grants, oidc: OidcProvider, key_file: Path
) -> None:
    key_file.unlink()
    if content is not None:
        key_file.touch(0o600)
        key_file.write_bytes(content)
    with pytest.raises(Misconfigured, match=str(key_file)):
        grants.put(oidc.issuer, "alice", "token")


def test_a_key_file_that_others_may_read_is_refused_before_a_token_is_shown(
    grants: Grants, alice: str, oidc: OidcProvider, key_file: Path
) -> None:
    before = oidc.token_requests
    key_file.chmod(0o640)
    with pytest.raises(Misconfigured, match="0600"):
        grants.access_token(alice)
    assert oidc.token_requests == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("database", "mysql://localhost/grants"),
        ("issuers", []),
        ("issuers", [{"issuer": "http://provider.example.org", "client_id": "us"}]),
        ("issuers", [{"issuer": "https://provider.example.org", "client_id": "us"}] * 2),
        ("issuers", [{"issuer": "https://provider.example.org", "client_id": "us", "client_secret_": "x"}]),
    ],
)
def test_settings_that_cannot_work_are_refused(key: str, value: object) -> None:
    good = {
        "database": "sqlite:////var/lib/prominence/grants.sqlite",
        "key_file": "/etc/prominence/grants.key",
        "primary_issuer": "https://provider.example.org",
        "issuers": [{"issuer": "https://provider.example.org", "client_id": "us"}],
    }
    GrantSettings.model_validate(good)
    with pytest.raises(ValidationError):
        GrantSettings.model_validate(good | {key: value})
