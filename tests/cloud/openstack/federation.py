"""Users of an identity provider at a cloud: who is member of which project by an entitlement in their access token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from keystoneclient.v3.client import Client

from deploy.files import write_private
from tests.cloud.openstack import people
from tests.cloud.openstack.place import Place

_CLAIM = "eduperson_entitlement"


@dataclass(frozen=True)
class Provider:
    """An identity provider whose access tokens (JWT) the identity service accepts."""

    issuer: str
    jwks: str
    """Address of its keys."""
    audience: str | None = None
    """What must be in the tokens' `aud`; None: it is not looked at."""
    name: str = "egi.eu"
    protocol: str = "openid"


def trust(place: Place, provider: Provider, projects: Mapping[str, str]) -> None:
    """Lets users of a provider in. `projects`: regular expression of an entitlement -> name of a project.

    The cloud must run. Safe to repeat: what was said before is replaced. A user whom no entitlement brings into a
    project is refused (401).
    """
    described = {"issuer": provider.issuer, "jwks": provider.jwks, "audience": provider.audience}
    write_private(place.identity_provider, json.dumps(described))
    keystone = Client(session=people.admin(place), interface="internal")
    rules = [
        _rule(_group(keystone, project), provider.issuer, entitlement) for entitlement, project in projects.items()
    ]
    federation, mapping = keystone.federation, f"{provider.name}-mapping"
    if any(known.id == provider.name for known in federation.identity_providers.list()):
        federation.identity_providers.update(provider.name, remote_ids=[provider.issuer])
        federation.mappings.update(mapping, rules=rules)
    else:
        federation.identity_providers.create(provider.name, enabled=True, remote_ids=[provider.issuer])
        federation.mappings.create(mapping, rules=rules)
        federation.protocols.create(provider.protocol, provider.name, mapping)


def _group(keystone: Client, project: str) -> str:
    """Id of the group whose members are members of a project."""
    found = keystone.groups.list(name=project, domain="default")
    group = found[0] if found else keystone.groups.create(project, domain="default")
    member = keystone.roles.find(name="member")
    keystone.roles.grant(member, group=group, project=keystone.projects.find(name=project))
    return str(group.id)


def _rule(group: str, issuer: str, entitlement: str) -> dict[str, object]:
    local = [{"user": {"name": "{0}", "type": "ephemeral"}, "group": {"id": group}}]
    has = {"type": f"OIDC-{_CLAIM}", "regex": True, "any_one_of": [entitlement]}
    return {"local": local, "remote": [{"type": "OIDC-sub"}, {"type": "OIDC-iss", "any_one_of": [issuer]}, has]}
