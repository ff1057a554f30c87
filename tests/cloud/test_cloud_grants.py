"""A user's grant all the way to a cloud: refresh token, access token, Keystone's token, servers in the VO's project."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from cloud_provisioner.drivers.contract import Account, CloudRefused, Order
from cloud_provisioner.drivers.openstack.calls import connect
from cloud_provisioner.drivers.openstack.schema import OpenStackSite
from cloud_provisioner.grants.lending import Lending
from cloud_provisioner.servers.failures import Failure
from identity.grants import refreshing
from identity.grants.access import Grants
from identity.grants.sealing import add_key
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.federation import Provider, trust
from tests.oidc.fixtures import oidc_program
from tests.oidc.provider import OidcProvider
from tests.unit.identity.grants.grants_support import Clock, settings_of

__all__ = ["oidc_program"]

pytestmark = pytest.mark.timeout(300)
VO = "biology"
ENTITLEMENT = f"urn:mace:egi.eu:group:{VO}:role=member#aai.egi.eu"
SLEEPS = "#!/bin/sh\nexec sleep 600\n"
PATIENCE = 60


@pytest.fixture
def oidc(cloud: Cloud, oidc_program: Path) -> Iterator[OidcProvider]:
    """A provider that the cloud trusts: alice is a member of the VO there, bob of nothing."""
    provider = OidcProvider(oidc_program, accounts={"alice": {"eduperson_entitlement": [ENTITLEMENT]}})
    provider.start()
    trust(
        cloud.place,
        Provider(provider.issuer, f"{provider.issuer}/jwks", provider.audience),
        {f"^{ENTITLEMENT}$": VO},
    )
    yield provider
    provider.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def grants(oidc: OidcProvider, clock: Clock, tmp_path: Path) -> Iterator[Grants]:
    key = tmp_path / "grants.key"
    add_key(key)
    made = Grants(settings_of(oidc, f"sqlite:///{tmp_path}/grants.sqlite", key), clock, clock.ticks)
    made.database.migrate()
    yield made
    made.close()


@pytest.fixture
def used_by(cloud: Cloud, grants: Grants, clock: Clock) -> Iterator[Callable[[str], Account]]:
    """The account of a user, by HTCondor's Owner, at the cloud."""
    site = OpenStackSite.model_validate(
        {
            "name": "A",
            "driver": "openstack",
            "endpoint": cloud.place.keystone,
            "credentials": {"type": "user_grant", "identity_provider": "egi.eu"},
            "vos": {VO: {"project_name": VO}},
            "image": {"name": "prominence-worker"},
            "networks": ["private"],
        }
    )
    lending = Lending(grants, clock.ticks)
    opened: list[Account] = []

    def opening(owner: str) -> Account:
        opened.append(connect(site, VO, lending.credential(owner), {}, PATIENCE))
        return opened[-1]

    yield opening
    for account in opened:
        account.close()


def lend(grants: Grants, oidc: OidcProvider, account: str) -> str:
    return grants.put(oidc.issuer, account, oidc.sign_in(account).refresh_token)


def refusal(account: Account) -> CloudRefused:
    with pytest.raises(CloudRefused) as caught:
        account.listing(time.time())
    return caught.value


def test_a_server_is_made_and_deleted_with_a_users_grant(
    grants: Grants, oidc: OidcProvider, used_by: Callable[[str], Account]
) -> None:
    account = used_by(lend(grants, oidc, "alice"))
    uuid = uuid4().hex
    assert "small" in [flavor.name for flavor in account.offer().flavors]
    made = account.create(Order(uuid, f"worker-{uuid}", "prominence", "small", VO, SLEEPS))
    view = account.listing(time.time())
    assert view.complete
    assert [server.cloud_id for server in view.servers[uuid]] == [made]
    deadline = time.monotonic() + PATIENCE
    while not account.delete(made):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert account.listing(time.time()).servers == {}
    assert (oidc.token_requests, oidc.reused) == (2, 0)


def test_a_user_without_an_entitlement_is_refused_by_the_cloud(
    grants: Grants, oidc: OidcProvider, used_by: Callable[[str], Account]
) -> None:
    bob = lend(grants, oidc, "bob")
    assert refusal(used_by(bob)).failure is Failure.AUTH
    assert grants.usable() == {bob}


def test_a_revoked_grant_opens_nothing_any_more(
    grants: Grants, oidc: OidcProvider, used_by: Callable[[str], Account], clock: Clock
) -> None:
    alice = lend(grants, oidc, "alice")
    assert used_by(alice).listing(time.time()).complete
    oidc.withdraw("alice")
    clock.added += oidc.access_token_seconds
    refused = refusal(used_by(alice))
    assert refused.failure is Failure.AUTH
    assert "prominence-admin grants put" in refused.sentence
    assert grants.usable() == frozenset()


def test_a_provider_that_is_away_keeps_nobody_out_for_long(
    grants: Grants, oidc: OidcProvider, used_by: Callable[[str], Account], clock: Clock
) -> None:
    account = used_by(lend(grants, oidc, "alice"))
    with oidc.away():
        assert refusal(account).failure is Failure.BUSY
    clock.added += refreshing.QUIET
    assert account.listing(time.time()).complete
