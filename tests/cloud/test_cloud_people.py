"""Who may use the cloud of the tests: users, application credentials, and users of an identity provider."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from keystoneauth1.exceptions import Unauthorized
from keystoneauth1.identity.v3 import ApplicationCredential, OidcAccessToken
from keystoneauth1.session import Session

from tests.cloud.openstack import people
from tests.cloud.openstack.cloud import Cloud
from tests.cloud.openstack.federation import Provider, trust
from tests.cloud.visitor import Visitor
from tests.unit.identity.key_server import KEYS, KeyServer
from tests.unit.identity.support import Pair, key_set, rsa_pair

pytestmark = pytest.mark.timeout(300)

MEMBER = "urn:mace:egi.eu:group:biology:role=member#aai.egi.eu"
AUDIENCE = "urn:of:the:cloud"


@pytest.fixture(scope="module")
def pair() -> Pair:
    return rsa_pair("one")


@pytest.fixture
def issuer(cloud: Cloud, pair: Pair) -> Iterator[str]:
    """Address of an identity provider that the cloud trusts."""
    server = KeyServer()
    server.publish(key_set(pair))
    provider = Provider(server.url, server.url + KEYS, AUDIENCE)
    trust(cloud.place, provider, {f"^{MEMBER}$": "biology"})
    yield server.url
    server.close()


def session(cloud: Cloud, token: str) -> Session:
    """The session of a user with an access token."""
    plugin = OidcAccessToken(
        cloud.place.keystone,
        identity_provider="egi.eu",
        protocol="openid",
        access_token=token,
        project_name="biology",
        project_domain_id="default",
    )
    return Session(plugin, timeout=30)


def claims(issuer: str, *entitlements: str, lifetime: float = 600, audience: str = AUDIENCE) -> dict[str, object]:
    times = {"iat": int(time.time()), "exp": int(time.time() + lifetime)}
    return {"iss": issuer, "aud": audience, "sub": "alice", "eduperson_entitlement": list(entitlements), **times}


def test_an_application_credential_is_bound_to_its_project(cloud: Cloud) -> None:
    known = people.credential(cloud.place)
    plugin = ApplicationCredential(
        cloud.place.keystone, application_credential_id=known.id, application_credential_secret=known.secret
    )
    bound = Session(plugin, timeout=30)
    assert bound.get_project_id() == people.project_id(people.admin(cloud.place), "biology")
    assert Visitor(cloud.place, bound).names() == []


def test_a_member_of_no_project_is_refused(cloud: Cloud) -> None:
    with pytest.raises(Unauthorized):
        people.session(cloud.place, people.GUEST, people.USER_PASSWORD, "biology").get_token()


def test_a_user_with_an_entitlement_makes_servers(cloud: Cloud, issuer: str, pair: Pair) -> None:
    other = "urn:mace:egi.eu:group:other:role=member#aai.egi.eu"
    user = Visitor(cloud.place, session(cloud, pair.sign(claims(issuer, other, MEMBER))))
    server = user.until(user.boot("of-a-user"), "ACTIVE")
    server.delete()
    user.until_gone(server)


def test_a_token_that_is_not_good_is_refused(cloud: Cloud, issuer: str, pair: Pair) -> None:
    good = pair.sign(claims(issuer, MEMBER))
    head, body, signature = good.split(".")
    bad = {
        "no entitlement": pair.sign(claims(issuer)),
        "another's entitlement": pair.sign(claims(issuer, MEMBER.replace("biology", "history"))),
        "expired": pair.sign(claims(issuer, MEMBER, lifetime=-60)),
        "for another": pair.sign(claims(issuer, MEMBER, audience="urn:of:another")),
        "of another issuer": pair.sign(claims("https://another.example.org", MEMBER)),
        "another's key": rsa_pair("one").sign(claims(issuer, MEMBER)),
        "changed": ".".join([head, body[:-2] + "AA", signature]),
        "garbage": "garbage",
    }
    refused = []
    for name, token in bad.items():
        with pytest.raises(Unauthorized):
            session(cloud, token).get_token()
        refused.append(name)
    assert refused == list(bad)
    assert session(cloud, good).get_token()
