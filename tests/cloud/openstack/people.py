"""Who is known at a cloud when it starts, and how they sign in.

projects     `biology` (20 servers, 64 cores), `physics` (2 servers, 4 cores): named like virtual organisations
users        `admin`; `prominence`, member of both, with an application credential for `biology`; `guest`, of none
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session
from keystoneclient.v3.client import Client

from deploy.files import write_private
from tests.cloud.openstack.configuration import SERVICE_PASSWORD
from tests.cloud.openstack.databases import ADMIN, ADMIN_PASSWORD
from tests.cloud.openstack.place import Place

USER = "prominence"
USER_PASSWORD = "of-the-provisioner"
GUEST = "guest"
PROJECTS: Mapping[str, Mapping[str, int]] = {
    "biology": {"instances": 20, "cores": 64, "ram": 128 * 1024},
    "physics": {"instances": 2, "cores": 4, "ram": 8 * 1024},
}
_SERVICES = {"compute": "nova", "placement": "placement", "image": "glance", "network": "neutron"}


@dataclass(frozen=True)
class ApplicationCredential:
    """Of the user `prominence`, for the project `biology`."""

    id: str
    secret: str


def session(place: Place, user: str, password: str, project: str, *, public: bool = True) -> Session:
    """A session of a user in a project; `public`: through the proxy."""
    plugin = Password(
        place.url("identity", public=public),
        username=user,
        password=password,
        user_domain_id="default",
        project_name=project,
        project_domain_id="default",
    )
    return Session(plugin, timeout=60)


def admin(place: Place, *, public: bool = False) -> Session:
    """The admin's session; past the proxy where it is not `public`."""
    return session(place, ADMIN, ADMIN_PASSWORD, "admin", public=public)


def member(place: Place, project: str, *, public: bool = True) -> Session:
    """The session of the user `prominence` in a project."""
    return session(place, USER, USER_PASSWORD, project, public=public)


def project_id(session: Session, name: str) -> str:
    """Id of a project, as the admin sees it."""
    return str(Client(session=session, interface="internal").projects.find(name=name).id)


def credential(place: Place) -> ApplicationCredential:
    """The application credential."""
    return ApplicationCredential(**json.loads((place.state / "credential.json").read_text()))


def introduce(place: Place) -> None:
    """Makes the catalogue, projects and users where the identity service runs and knows the admin alone."""
    keystone = Client(session=admin(place), interface="internal")
    roles = {role.name: role for role in keystone.roles.list()}
    service = keystone.projects.create("service", domain="default")
    for kind, name in _SERVICES.items():
        user = keystone.users.create(name, domain="default", password=SERVICE_PASSWORD)
        for role in ("admin", "service"):
            keystone.roles.grant(roles[role], user=user, project=service)
        made = keystone.services.create(name, kind)
        for public in (True, False):
            interface = "public" if public else "internal"
            keystone.endpoints.create(made, place.url(kind, public=public), interface=interface, region="RegionOne")
    keystone.users.create(GUEST, domain="default", password=USER_PASSWORD)
    user = keystone.users.create(USER, domain="default", password=USER_PASSWORD)
    for name in PROJECTS:
        keystone.roles.grant(roles["member"], user=user, project=keystone.projects.create(name, domain="default"))
    _make_credential(place)


def _make_credential(place: Place) -> None:
    users = member(place, "biology", public=False)
    made = Client(session=users, interface="internal").application_credentials.create("provisioner")
    known = ApplicationCredential(made.id, made.secret)
    write_private(place.state / "credential.json", json.dumps(asdict(known)))
