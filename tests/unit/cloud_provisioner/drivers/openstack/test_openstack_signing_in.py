"""Signing in to Keystone by each kind of credential, and what is said where it does not succeed."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from cloud_provisioner.drivers.contract import CloudRefused
from cloud_provisioner.drivers.openstack.calls import OpenStackAccount, accounts, connect, per_user
from cloud_provisioner.drivers.openstack.session import system_certificates
from cloud_provisioner.servers.failures import Failure
from tests.unit.cloud_provisioner.drivers.openstack.scripted_cloud import (
    HTML,
    JSON,
    PASSWORD,
    PROJECT,
    TOKEN,
    Answer,
    ScriptedCloud,
    refusal,
    site,
)

FEDERATED = ("POST", "/v3/OS-FEDERATION/identity_providers/egi.eu/protocols/openid/auth")
BY_TOKEN = {"type": "oidc_access_token", "identity_provider": "egi.eu", "access_token": {"env": "TOKEN"}}
BY_GRANT = {"type": "user_grant", "identity_provider": "egi.eu"}
BY_APPLICATION = {"type": "application_credential", "id": "7274", "secret": {"env": "SECRET"}}
NO = refusal(401, "The request you have made requires authentication.")
PAGE = "<html><body>Apache2 Debian Default Page</body></html>"


class Grant:
    """A user's grant, of which the tokens are numbered."""

    def __init__(self, *, revoked: bool = False) -> None:
        self.given: list[bool] = []
        self.revoked = revoked

    def access_token(self, *, fresh: bool = False) -> str:
        self.given.append(fresh)
        if self.revoked:
            raise CloudRefused(Failure.AUTH, "The user has taken the grant back.")
        return f"access-{len(self.given)}"


def account(address: str, grant: Grant | None = None, secret: str = PASSWORD, **more: object) -> OpenStackAccount:
    return connect(site(address, **more), "bio", grant, {"SECRET": secret, "TOKEN": "access-0"}, 2.0)


def refused(found: OpenStackAccount) -> tuple[Failure, str]:
    with pytest.raises(CloudRefused) as caught:
        found.listing(0)
    assert PASSWORD not in str(caught.value)
    assert "access-" not in str(caught.value)
    return caught.value.failure, caught.value.sentence


def identity(cloud: ScriptedCloud, number: int = 0) -> Any:
    return [one.body["auth"] for one in cloud.asked if one.path == "/v3/auth/tokens"][number]


def test_a_password_signs_in_to_a_project_by_id(cloud: ScriptedCloud, address: str) -> None:
    account(address).listing(0)
    user = {"name": "prominence", "password": PASSWORD, "domain": {"name": "Default"}}
    assert identity(cloud)["identity"]["password"]["user"] == user
    assert identity(cloud)["scope"] == {"project": {"id": PROJECT}}


def test_a_project_may_be_named_by_name_and_domain(cloud: ScriptedCloud, address: str) -> None:
    account(address, vos={"bio": {"project_name": "bio", "project_domain": "science"}}).listing(0)
    assert identity(cloud)["scope"] == {"project": {"name": "bio", "domain": {"name": "science"}}}


def test_an_application_credential_brings_its_project(cloud: ScriptedCloud, address: str) -> None:
    account(address, credentials=BY_APPLICATION, vos={"*": {}}).listing(0)
    assert identity(cloud)["identity"]["application_credential"] == {"id": "7274", "secret": PASSWORD}
    assert "scope" not in identity(cloud)


def test_an_access_token_is_changed_for_a_token_of_the_project(cloud: ScriptedCloud, address: str) -> None:
    account(address, credentials=BY_TOKEN).listing(0)
    assert [one.token for one in cloud.asked if one.path == FEDERATED[1]] == ["Bearer access-0"]
    assert identity(cloud)["identity"]["token"] == {"id": "token-1"}
    assert identity(cloud)["scope"] == {"project": {"id": PROJECT}}


def test_a_grant_is_used_and_refreshed_once_where_keystone_refuses(cloud: ScriptedCloud, address: str) -> None:
    grant = Grant()
    account(address, grant, credentials=BY_GRANT).listing(0)
    assert grant.given == [False]
    cloud.script(FEDERATED, NO)
    grant = Grant()
    account(address, grant, credentials=BY_GRANT).listing(0)
    assert grant.given == [False, True]
    cloud.script(FEDERATED, NO, NO)
    grant = Grant()
    failure, sentence = refused(account(address, grant, credentials=BY_GRANT))
    assert (failure, grant.given) == (Failure.AUTH, [False, True])
    assert "the user must be a member of the VO, and may have to grant anew" in sentence


def test_a_grant_that_was_revoked_is_told_in_its_own_words(cloud: ScriptedCloud, address: str) -> None:
    grant = Grant(revoked=True)
    assert refused(account(address, grant, credentials=BY_GRANT)) == (
        Failure.AUTH,
        "The user has taken the grant back.",
    )
    assert refused(account(address, None, credentials=BY_GRANT))[0] is Failure.AUTH
    assert not cloud.asked


def test_a_user_who_is_not_in_the_project_stops_the_user_alone(cloud: ScriptedCloud, address: str) -> None:
    cloud.script(TOKEN, NO)
    failure, sentence = refused(account(address, Grant(), credentials=BY_GRANT))
    assert failure is Failure.AUTH
    assert sentence.startswith("`vos.bio.project_id`: Keystone does not let this user into the project")


def test_a_wrong_password_and_a_wrong_project_are_told_apart(cloud: ScriptedCloud, address: str) -> None:
    cloud.script(TOKEN, NO, NO)
    failure, sentence = refused(account(address))
    assert failure is Failure.AUTH
    assert sentence.startswith("`credentials.password`: Keystone refuses the user prominence of the domain Default")
    assert "the environment variable SECRET" in sentence
    cloud.script(TOKEN, NO)
    failure, sentence = refused(account(address, vos={"bio": {"project_name": "wrong"}}))
    assert failure is Failure.BAD_REQUEST
    assert sentence.startswith("`vos.bio.project_name`: there is no project wrong of the domain Default")


def test_refused_application_credentials_and_tokens_name_their_keys(cloud: ScriptedCloud, address: str) -> None:
    cloud.script(TOKEN, NO)
    assert "`credentials.secret`" in refused(account(address, credentials=BY_APPLICATION, vos={"bio": {}}))[1]
    cloud.script(FEDERATED, NO)
    failure, sentence = refused(account(address, credentials=BY_TOKEN))
    assert (failure, sentence.partition(":")[0]) == (Failure.AUTH, "`credentials.access_token`")


def test_secrets_are_read_at_each_use(cloud: ScriptedCloud, address: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    by_file = {"type": "password", "username": "u", "password": {"file": str(file)}}
    found = account(address, credentials=by_file)
    assert refused(found) == (
        Failure.AUTH,
        f"`credentials`: The secret in the file {file} cannot be used: {file} cannot be read "
        "(No such file or directory).",
    )
    for secret in ("first", "second"):
        file.write_text(f"{secret}\n")
        file.chmod(0o600)
        found.listing(0)
        cloud.ended.add("token-1")
    assert [identity(cloud, n)["identity"]["password"]["user"]["password"] for n in (0, 1)] == ["first", "second"]


def test_a_token_is_renewed_before_it_ends(cloud: ScriptedCloud, address: str) -> None:
    found = account(address)
    soon = cloud.token(address, ends="2026-01-01T00:00:00Z")
    cloud.script(TOKEN, soon)
    failure, sentence = refused(found)
    assert (failure, "look at this machine's clock" in sentence) == (Failure.BAD_REQUEST, True)
    found.listing(0)
    assert cloud.count(TOKEN) == 2


KEYSTONES = [
    (Answer(200, PAGE, HTML), Failure.BAD_REQUEST, "does not answer as Keystone does"),
    (Answer(200, "{}", JSON), Failure.BAD_REQUEST, "does not answer as Keystone does"),
    (Answer(200, '{"token": 5}', JSON), Failure.BAD_REQUEST, "does not answer as Keystone does"),
    (
        Answer(201, '{"token": {}}', {**JSON, "X-Subject-Token": "x"}),
        Failure.BAD_REQUEST,
        "gives a token that has ended already, or has no catalogue",
    ),
    (Answer(404, PAGE, HTML), Failure.BAD_REQUEST, "has no sign-in there"),
    (Answer(302, "", {"Location": "https://login.example.org/?x=y"}), Failure.BAD_REQUEST, "to login.example.org:443"),
    (Answer(503, PAGE, HTML), Failure.BUSY, "answers 503"),
    (refusal(429, "slow down", **{"Retry-After": "9"}), Failure.BUSY, "it asks to wait 9 s"),
    (Answer(cut=True), Failure.BUSY, "the connection broke off"),
    (refusal(400, "Expecting to find domain in project"), Failure.BAD_REQUEST, "Expecting to find domain in project"),
    (refusal(403, "You are not authorized"), Failure.AUTH, "refuses the credentials"),
]


@pytest.mark.parametrize(("answer", "failure", "says"), KEYSTONES)
@pytest.mark.parametrize("more", [{}, {"credentials": BY_TOKEN}], ids=["password", "oidc"])
def test_each_other_answer_of_keystone_is_told_under_endpoint(
    cloud: ScriptedCloud, address: str, answer: Answer, failure: Failure, says: str, more: Any
) -> None:
    cloud.script(TOKEN, answer)
    cloud.script(FEDERATED, answer)
    there, sentence = refused(account(address, **more))
    assert (there, sentence.startswith("`endpoint`: ")) == (failure, True)
    assert says in sentence


def test_vos_are_grouped_by_their_project() -> None:
    vos = {
        "a": {"project_id": "1"},
        "b": {"project_name": "x"},
        "c": {"project_id": "1", "networks": ["n"]},
        "d": {"project_name": "x", "project_domain": "other"},
        "*": {"project_id": "2"},
    }
    assert accounts(site("https://k", vos=vos)) == (("a", "c"), ("b",), ("d",), ("*",))
    assert accounts(site("https://k", credentials=BY_APPLICATION, vos={"a": {}, "*": {}})) == (("a", "*"),)


def test_which_sites_are_used_with_users_own_rights() -> None:
    assert per_user(site("https://k", credentials=BY_GRANT))
    assert not any(per_user(site("https://k", credentials=one)) for one in (BY_TOKEN,))


def test_a_vo_that_the_site_does_not_serve_is_refused(address: str) -> None:
    with pytest.raises(CloudRefused, match="`vos`: the site serves no VO chem"):
        connect(site(address), "chem", None, {}, 2.0)
    assert connect(site(address, vos={"*": {"project_id": "1"}}), "chem", None, {"SECRET": "x"}, 2.0).listing(0)


def test_a_file_of_certificates_that_cannot_be_used_is_told(address: str, tmp_path: Path) -> None:
    with pytest.raises(
        CloudRefused, match="`ca_certificate`: the file /nowhere cannot be used \\(No such file"
    ) as caught:
        account(address, ca_certificate="/nowhere")
    assert caught.value.failure is Failure.BAD_REQUEST
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(CloudRefused, match="it has no PEM certificates"):
        account(address, ca_certificate=str(tmp_path / "ca.pem"))


def test_https_where_http_is_spoken_is_told(address: str) -> None:
    failure, sentence = refused(account(address.replace("http:", "https:")))
    assert failure is Failure.BAD_REQUEST
    assert "it does not speak TLS as expected" in sentence


def test_a_netrc_does_not_replace_a_token(
    cloud: ScriptedCloud, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    account(address, credentials=BY_TOKEN).listing(0)
    assert [one.token for one in cloud.asked if one.path == FEDERATED[1]] == ["Bearer access-0"]


def test_the_certificates_of_this_machine_are_those_that_openssl_uses() -> None:
    assert system_certificates() in (
        ssl.get_default_verify_paths().cafile,
        "/etc/ssl/certs/ca-certificates.crt",
        ssl.get_default_verify_paths().capath,
        True,
    )
