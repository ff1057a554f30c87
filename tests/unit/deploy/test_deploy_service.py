"""The REST API of an instance: a settings file that the API accepts, secrets made once, tokens that it believes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from api.app import create_app
from api.settings import load
from deploy import service
from deploy.errors import DeployError
from deploy.files import write_private
from deploy.home import Home, Settings
from pool.session import Pool

SETTINGS = Settings(Path("/unused"), Path("/unused"), port=9000)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    _add_signing_key(made)
    service.prepare(SETTINGS, made)
    service.migrate(made)
    return made


def _add_signing_key(home: Home) -> None:
    """What the head makes before the API starts."""
    home.signing_key.parent.mkdir(parents=True)
    write_private(home.signing_key, "a key of a pool that never runs")


def test_the_api_accepts_the_settings_that_are_written_for_it(home: Home) -> None:
    settings = load(home.service_settings)
    assert str(settings.url) == SETTINGS.url
    assert settings.sandboxes == home.sandboxes
    assert settings.worker_program == home.worker_program
    assert settings.worker_program.is_file()
    assert settings.issuers[0].issuer == service.issuer_name(SETTINGS)


def test_secrets_are_private_and_made_once(home: Home) -> None:
    secrets = [home.keys / "job-tokens", home.keys / "issuer" / "issuer-key.pem"]
    secrets.append(home.keys / "metrics")
    before = [secret.read_bytes() for secret in secrets]
    assert {stat.S_IMODE(secret.stat().st_mode) for secret in secrets} == {0o600}
    service.prepare(SETTINGS, home)
    assert [secret.read_bytes() for secret in secrets] == before


def test_secrets_do_not_stand_in_the_settings(home: Home) -> None:
    assert (home.keys / "job-tokens").read_text().strip() not in home.service_settings.read_text()


def test_the_api_believes_the_instances_tokens_and_no_others(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.make()
    _add_signing_key(other)
    service.prepare(SETTINGS, other)
    client = create_app(load(home.service_settings), Pool()).test_client()
    # A parameter that is refused, after the caller was let in: no pool is needed for the answer.
    for where, status in ((home, 400), (other, 401)):
        token = service.mint(SETTINGS, where, "alice", ["vo"], [], 60)
        answer = client.get("/prominence/v1/jobs?status=flying", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


@pytest.mark.parametrize(("user", "lifetime"), [("alice", 0), ("alice", 10**9), ("", 60), ("a\nb", 60)])
def test_a_token_that_cannot_be_made_is_refused_with_a_sentence(home: Home, user: str, lifetime: int) -> None:
    with pytest.raises(DeployError, match="No token can be made: "):
        service.mint(SETTINGS, home, user, [], [], lifetime)


def test_the_apis_process_gets_no_more_of_the_environment_than_it_needs(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_CONDOR_ALLOW_WRITE", "*")
    monkeypatch.setenv("PROMINENCE_TOKEN", "secret")
    environ = service.environment(home)
    assert not {"_CONDOR_ALLOW_WRITE", "PROMINENCE_TOKEN"} & set(environ)
    assert environ["CONDOR_CONFIG"] == str(home.client_config)
    assert environ["PROMINENCE_SETTINGS"] == str(home.service_settings)
