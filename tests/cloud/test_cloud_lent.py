"""A site that is used with each user's own rights: who makes the servers, whose jobs run there, and the end of a grant."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud_provisioner.servers.states import State
from identity.grants.access import Grants
from identity.grants.sealing import add_key
from identity.grants.settings import GrantSettings
from tests.cloud.house import House, until
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.federation import Provider, trust
from tests.cloud.visitor import Visitor
from tests.oidc.fixtures import oidc_program
from tests.oidc.provider import OidcProvider
from tests.pool.conftest import User
from tests.pool.gates import gates

__all__ = ["oidc_program"]

pytestmark = pytest.mark.timeout(400)
MEMBER = "urn:mace:egi.eu:group:biology:role=member#aai.egi.eu"
LIFETIME = 30
"""Seconds for which an access token is good: so long a grant that has ended may still be used."""
AT_A = {"placement": {"requirements": {"sites": ["A"]}}}
NONE = "waiting: A needs the user's own authorisation, and there is none that can be used: ask an admin of the service"


@pytest.fixture
def oidc(cloud: Cloud, oidc_program: Path) -> Iterator[OidcProvider]:
    """A provider that the cloud trusts, at which alice is a member of the project's VO."""
    accounts = {"alice": {"eduperson_entitlement": [MEMBER]}}
    provider = OidcProvider(oidc_program, accounts=accounts, access_token_seconds=LIFETIME)
    provider.start()
    keys = f"{provider.issuer}/jwks"
    trust(cloud.place, Provider(provider.issuer, keys, provider.audience), {f"^{MEMBER}$": "biology"})
    yield provider
    provider.stop()


@pytest.fixture
def lent(house: House, oidc: OidcProvider, tmp_path: Path) -> dict[str, Any]:
    """The settings of grants, with alice's, and those of somebody whom the cloud does not know."""
    key, secret = tmp_path / "grants.key", tmp_path / "client-secret"
    add_key(key)
    secret.write_text(oidc.secret)
    secret.chmod(0o600)
    settings = {
        "database": f"sqlite:///{tmp_path}/grants.sqlite",
        "key_file": str(key),
        "primary_issuer": oidc.issuer,
        "issuers": [{"issuer": oidc.issuer, "client_id": oidc.client, "client_secret": str(secret)}],
    }
    grants = Grants(GrantSettings.model_validate(settings))
    grants.database.migrate()
    # Whose rights lead nowhere comes first by name.
    for name in ("aaron", "alice"):
        assert grants.put(oidc.issuer, name, oidc.sign_in(name).refresh_token) == name
    grants.close()
    return settings


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def why(user: User, number: int) -> str:
    return str(user.describe(number).get("statusReason", ""))


def test_a_users_rights_make_servers_for_this_user_alone_until_they_are_withdrawn(
    house: House, cloud: Cloud, biology: Visitor, oidc: OidcProvider, lent: dict[str, Any]
) -> None:
    grant = {"type": "user_grant", "identity_provider": "egi.eu"}
    house.describe("A", cloud.place, credentials=grant, keep_alive=600)
    metrics = f"127.0.0.1:{free_port()}"
    running = house.start(grants=lent, metrics=metrics)
    alice, bob = house.user("alice"), house.user("bob")
    first = house.submit(alice, policies=AT_A)
    assert alice.wait(first, seconds=120)["status"] == "completed", running.said()
    (server,) = biology.nova.servers.list()
    assert server.user_id != biology.session.get_user_id()
    (record,) = house.records()
    assert (record.state, record.binding.user) == (State.READY, "alice")

    with gates() as held:
        bobs = house.submit(bob, policies=AT_A)
        until(lambda: why(bob, bobs) == NONE, why=lambda: bob.describe(bobs))
        until(lambda: house.records()[0].idle_since, why=house.records)
        second = house.submit(alice, held.task("/go"), policies=AT_A)
        until(lambda: held.waits["/go"])
        assert bob.describe(bobs)["status"] == "idle", "alice's worker, which had room, was not given to it"
        assert [one.uuid for one in house.records()] == [record.uuid]

        oidc.withdraw("alice")
        until(lambda: "can be deleted by nobody" in running.said(), LIFETIME + 60, running.said)
        assert f"{server.id} at A (of alice)" in running.said()
        told = urllib.request.urlopen(f"http://{metrics}/metrics", timeout=10).read().decode()
        assert 'prominence_provisioner_undeletable_servers{site="A"} 1.0' in told
        third = house.submit(alice, policies=AT_A)
        until(lambda: why(alice, third) == NONE, why=lambda: alice.describe(third))
        assert [one.id for one in biology.nova.servers.list()] == [server.id]
        held.open("/go")
    assert alice.wait(second)["status"] == "completed", "what runs goes on"
    running.stop()
