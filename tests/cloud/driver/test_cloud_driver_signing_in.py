"""Signing in to a real cloud, and what an admin is told who got something wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cloud_provisioner.drivers.contract import Account
from cloud_provisioner.planning.places import Limits
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import Status
from tests.cloud.described import PASSWORD, SERVICE, account, order
from tests.cloud.driver.driving import listed, refused, requests, until
from tests.cloud.openstack import people
from tests.cloud.openstack.federation import Provider, trust
from tests.cloud.openstack.place import Place
from tests.cloud.openstack.rules import HTML, LIST, Orders, Rule
from tests.unit.identity.key_server import KEYS, Answer, KeyServer
from tests.unit.identity.support import Pair, ec_pair, key_set

pytestmark = pytest.mark.timeout(300)
MEMBER = "urn:mace:egi.eu:group:biology:role=member#aai.egi.eu"
BY_GRANT = {"type": "user_grant", "identity_provider": "egi.eu"}
BY_TOKEN = {"type": "oidc_access_token", "identity_provider": "egi.eu", "access_token": {"env": "TOKEN"}}


def test_an_application_credential_is_its_projects(place: Place, used: Account) -> None:
    known = people.credential(place)
    by_secret = {"type": "application_credential", "id": known.id, "secret": {"env": "SECRET"}}
    other = account(place, credentials=by_secret, vos={"*": {}}, secrets={"SECRET": known.secret})
    wanted = order()
    other.create(wanted)
    assert listed(used, wanted)
    failure, sentence = refused(account(place, credentials=by_secret, vos={"*": {}}, secrets={"SECRET": "wrong"}).offer)
    assert (failure, sentence.partition(":")[0]) == (Failure.AUTH, "`credentials.secret`")


def test_each_project_has_its_own_quota_and_servers(place: Place, used: Account) -> None:
    vos = {"biology": {"project_name": "biology"}, "physics": {"project_name": "physics"}}
    physics = account(place, vo="physics", vos=vos)
    assert physics.offer().limits == Limits(servers=2, cores=4, memory=8192)
    wanted = order(vo="physics")
    physics.create(wanted)
    assert listed(used, wanted) is None
    assert listed(physics, wanted)


class Users:
    """An identity provider with one user, whose grant gives tokens."""

    def __init__(self, server: KeyServer, pair: Pair) -> None:
        self.server = server
        self.pair = pair
        self.lifetime = 300.0
        self.entitlements = [MEMBER]
        self.given = 0

    def access_token(self, *, fresh: bool = False) -> str:
        self.given += 1
        ends = int(time.time() + (300 if fresh else self.lifetime))
        claims = {"iss": self.server.url, "sub": "alice", "exp": ends, "eduperson_entitlement": self.entitlements}
        return self.pair.sign(claims)


@pytest.fixture
def users(place: Place) -> Iterator[Users]:
    server, pair = KeyServer(), ec_pair("one")
    server.answers[KEYS] = Answer(json.dumps(key_set(pair)).encode())
    trust(place, Provider(server.url, f"{server.url}{KEYS}"), {f"^{MEMBER}$": "biology"})
    yield Users(server, pair)
    server.close()


def test_a_users_own_grant_makes_servers_in_the_project(place: Place, used: Account, users: Users) -> None:
    own = account(place, credential=users, credentials=BY_GRANT)
    wanted = order()
    own.create(wanted)
    assert until(used, wanted, Status.ACTIVE).service == SERVICE
    assert users.given == 1


def test_a_token_of_a_user_that_has_expired_is_refreshed_once(place: Place, users: Users) -> None:
    users.lifetime = -10
    assert account(place, credential=users, credentials=BY_GRANT).offer().flavors
    assert users.given == 2
    users.entitlements = ["urn:mace:egi.eu:group:chemistry:role=member#aai.egi.eu"]
    failure, sentence = refused(account(place, credential=users, credentials=BY_GRANT).offer)
    assert failure is Failure.AUTH
    assert "the user must be a member of the VO" in sentence


def test_a_service_accounts_access_token_is_read_when_it_is_needed(place: Place, users: Users) -> None:
    secrets = {"TOKEN": "expired"}
    service = account(place, credentials=BY_TOKEN, secrets=secrets)
    failure, sentence = refused(service.offer)
    assert (failure, sentence.partition(":")[0]) == (Failure.AUTH, "`credentials.access_token`")
    secrets["TOKEN"] = users.access_token()
    assert service.offer().flavors


def test_a_token_that_was_revoked_is_fetched_anew(place: Place, used: Account, orders: Orders) -> None:
    used.listing(0)
    orders.rules(Rule(**LIST, pass_on=False, status=401, times=1))
    assert used.listing(0).complete
    assert [word for word in requests(orders, "identity") if word.startswith("POST")] != []


MISTAKES = [
    # what an admin got wrong                                      the failure          the sentence begins with
    ({"vos": {"biology": {"project_name": "chemistry"}}}, Failure.BAD_REQUEST, "`vos.biology.project_name`"),
    ({"vos": {"biology": {"project_id": "0" * 32}}}, Failure.BAD_REQUEST, "`vos.biology.project_id`"),
    ({"credentials": PASSWORD | {"password": {"env": "WRONG"}}}, Failure.AUTH, "`credentials.password`"),
    ({"credentials": PASSWORD | {"username": "nobody"}}, Failure.AUTH, "`credentials.password`"),
    ({"credentials": PASSWORD | {"username": people.GUEST}}, Failure.BAD_REQUEST, "`vos.biology.project_name`"),
    ({"credentials": PASSWORD | {"password": {"env": "UNSET"}}}, Failure.AUTH, "`credentials`"),
    ({"image": {"name": "gone"}}, Failure.BAD_REQUEST, "`image.name`"),
    ({"image": {"id": "0" * 8}}, Failure.BAD_REQUEST, "`image.id`"),
    ({"networks": ["hidden"]}, Failure.BAD_REQUEST, "`networks`"),
    ({"cloud_region": "Mars"}, Failure.BAD_REQUEST, "`cloud_region`"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "failure", "key"), MISTAKES)
def test_a_mistake_in_a_description_is_told_under_its_key(
    place: Place, more: dict[str, Any], failure: Failure, key: str
) -> None:
    there, sentence = refused(account(place, **more).offer)
    assert (there, sentence.partition(": ")[0]) == (failure, key)


def test_addresses_that_are_none_of_keystones_are_told(place: Place, orders: Orders) -> None:
    for endpoint in (place.url("image"), place.url("network"), place.keystone.removesuffix("/v3") + "/v4"):
        failure, sentence = refused(account(place, endpoint=endpoint).offer)
        assert (failure, sentence.partition(": ")[0]) == (Failure.BAD_REQUEST, "`endpoint`")
    orders.rules(Rule(service="identity", pass_on=False, status=200, **HTML))
    failure, sentence = refused(account(place).offer)
    assert (failure, "does not answer as Keystone does" in sentence) == (Failure.BAD_REQUEST, True)


def test_only_the_authority_that_is_said_is_trusted(place: Place) -> None:
    secure = place.keystone_by_tls
    right, wrong = str(place.certificates / "ca.pem"), str(place.certificates / "other-ca.pem")
    assert account(place, endpoint=secure, ca_certificate=right).offer().flavors
    for certificates in (wrong, None):
        failure, sentence = refused(account(place, endpoint=secure, ca_certificate=certificates).offer)
        assert (failure, sentence.partition(": ")[0]) == (Failure.BAD_REQUEST, "`ca_certificate`")
