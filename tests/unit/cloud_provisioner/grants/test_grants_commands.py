"""What administrators do with users' grants, as they type it."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import pytest

from cloud_provisioner.grants.commands import add_commands
from identity.grants.access import Grants
from identity.grants.sealing import read_keys
from identity.grants.settings import GrantSettings
from tests.oidc.provider import OidcProvider
from tests.unit.identity.grants.grants_support import settings_of


@pytest.fixture
def settings(oidc: OidcProvider, address: str, key_file: Path) -> GrantSettings:
    return settings_of(oidc, address, key_file)


def typed(settings: GrantSettings, *words: str) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(), lambda: settings)
    args = parser.parse_args(["grants", *words])
    code: int = args.run(args)
    return code


def test_a_grant_is_put_listed_and_dropped(
    settings: GrantSettings,
    oidc: OidcProvider,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    settings.key_file.unlink()
    assert typed(settings, "migrate") == 0
    assert typed(settings, "rotate") == 0
    alice, bob = (oidc.sign_in(account).refresh_token for account in ("alice", "bob"))
    monkeypatch.setattr("sys.stdin", io.StringIO(alice + "\n"))
    assert typed(settings, "put", oidc.issuer, "alice") == 0
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(bob + "\n")
    assert typed(settings, "put", oidc.issuer, "bob", "--file", str(file)) == 0
    capsys.readouterr()
    assert typed(settings, "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["alice", "usable"], ["bob", "usable"]]
    assert typed(settings, "drop", "alice") == 0
    assert typed(settings, "drop", "alice") == 1
    assert "list" in capsys.readouterr().err
    left = Grants(settings)
    assert left.usable() == {"bob"}
    left.close()


def test_a_token_that_is_refused_is_said_at_once(
    settings: GrantSettings, oidc: OidcProvider, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(settings, "migrate")
    monkeypatch.setattr("sys.stdin", io.StringIO("no-such-token"))
    assert typed(settings, "put", oidc.issuer, "alice") == 1
    said = capsys.readouterr()
    assert "prominence-admin grants put" in said.err
    assert "no-such-token" not in said.err + said.out


def test_a_token_that_cannot_be_tried_is_stored(
    settings: GrantSettings, oidc: OidcProvider, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(settings, "migrate")
    monkeypatch.setattr("sys.stdin", io.StringIO(oidc.sign_in("alice").refresh_token))
    with oidc.away():
        assert typed(settings, "put", oidc.issuer, "alice") == 0
    assert "could not be tried" in capsys.readouterr().out


def test_no_key_is_made_where_there_is_no_table_to_encrypt(
    settings: GrantSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.key_file.unlink()
    for _ in range(2):
        assert typed(settings, "rotate") == 1
        assert "prominence-admin grants migrate" in capsys.readouterr().err
    assert not settings.key_file.exists()
    assert typed(settings, "migrate") == 0
    assert typed(settings, "rotate") == 0
    assert len(read_keys(settings.key_file)) == 1


def test_what_is_in_the_way_is_a_sentence(
    settings: GrantSettings, oidc: OidcProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(settings, "list") == 1
    assert "prominence-admin grants migrate" in capsys.readouterr().err
    file = tmp_path / "token"
    file.write_text("token")
    assert typed(settings, "put", oidc.issuer, "alice", "--file", str(file)) == 1
    assert "0600" in capsys.readouterr().err
    assert typed(settings, "migrate") == 0
    lost = settings.model_copy(update={"key_file": tmp_path / "no" / "such" / "key"})
    assert typed(lost, "rotate") == 1
    assert str(lost.key_file.parent) in capsys.readouterr().err
