"""What a description of an OpenStack site may say: whose rights are used, for which projects, images, flavors and networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from cloud_provisioner.errors import BrokenRule
from cloud_provisioner.sites.base import Count, FilePath, Gigabytes, Section, Site, Vo, VoName, Word
from cloud_provisioner.sites.secrets import SecretReference


def _endpoint(text: str) -> str:
    """A Keystone address: https, or http where nobody listens in. ValueErrors name the remedy."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BrokenRule("must be an address such as https://keystone.example.org:5000/v3") from None
    if parts.scheme not in ("https", "http") or not host or parts.query or parts.fragment:
        raise BrokenRule("must be an address such as https://keystone.example.org:5000/v3")
    if parts.username is not None:
        raise BrokenRule("must not hold a user or a password: say these in `credentials`")
    if parts.scheme == "http" and not _near(host):
        raise BrokenRule("must begin with https, or credentials would travel readably")
    return text


def _near(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_private
    except ValueError:
        return False


class _Federated(Section):
    identity_provider: Word = Field(description="name of the identity provider in Keystone, such as `egi.eu`")
    protocol: Word = Field("openid", description="name of the protocol in Keystone")


class UserGrant(_Federated):
    """The submitting user's own grant: workers run that user's jobs alone."""

    type: Literal["user_grant"] = Field(description="the rights of the user whose job needs the worker")


class OidcAccessToken(_Federated):
    """A service account's access token, which something else keeps fresh."""

    type: Literal["oidc_access_token"] = Field(description="the access token of a service account, for its VOs")
    access_token: SecretReference = Field(description="the token, which is read anew at each use")


class ApplicationCredential(Section):
    """An application credential, which is bound to one project."""

    type: Literal["application_credential"] = Field(description="an application credential, bound to one project")
    id: Word = Field(description="id of the application credential")
    secret: SecretReference = Field(description="its secret")


class Password(Section):
    """A service account of the cloud itself."""

    type: Literal["password"] = Field(description="user name and password of a service account")
    username: Word = Field(description="name of the user")
    user_domain: Word = Field("Default", description="name of the user's domain")
    password: SecretReference = Field(description="the password")


Credentials = Annotated[UserGrant | OidcAccessToken | ApplicationCredential | Password, Field(discriminator="type")]


class Project(Vo):
    """The project that a virtual organisation has; by id, or by name and domain."""

    project_id: Word | None = Field(None, description="id of the project")
    project_name: Word | None = Field(None, description="name of the project, where no id is given")
    project_domain: Word = Field("Default", description="name of the domain of the project that is named")
    networks: tuple[Word, ...] | None = Field(None, description="networks for this VO instead of the site's")

    @model_validator(mode="after")
    def _is_one_project(self) -> Project:
        if self.project_id is not None and self.project_name is not None:
            raise BrokenRule("must have either `project_id` or `project_name`")
        return self


class ImageSelector(Section):
    """Which image workers boot; the newest of those that have all that is said."""

    id: Word | None = Field(None, description="id of the image")
    name: Word | None = Field(None, description="name of the image; the newest of this name")
    properties: Mapping[Word, Word] = Field(
        default_factory=dict, description="properties that the image has, such as `os_distro: debian`"
    )

    @model_validator(mode="after")
    def _selects(self) -> ImageSelector:
        if self.id is None and self.name is None and not self.properties:
            raise BrokenRule("must say which image: by `id`, `name` or `properties`")
        return self


class FlavorSelector(Section):
    """Which flavors may be used; those that meet everything that is said, all where nothing is."""

    names: tuple[Word, ...] = Field((), description="names of the flavors; empty: any name")
    preemptible: tuple[Word, ...] = Field(
        (), description="names of those whose servers the cloud may take away; for jobs alone that allow it"
    )
    properties: Mapping[Word, Word] = Field(
        default_factory=dict, description="extra specs that a flavor has, such as `hw:cpu_policy: dedicated`"
    )
    min_cores: Count = Field(1, description="cores at least")
    min_memory_gb: Gigabytes = Field(1, description="memory at least, GB")
    min_disk_gb: Gigabytes = Field(0, description="disk at least, GB")
    max_cores: Count | None = Field(None, description="cores at most")
    max_memory_gb: Gigabytes | None = Field(None, description="memory at most, GB")

    @model_validator(mode="after")
    def _can_be_met(self) -> FlavorSelector:
        for least, most in ((self.min_cores, self.max_cores), (self.min_memory_gb, self.max_memory_gb)):
            if most is not None and least > most:
                raise BrokenRule("has a minimum above its maximum, which no flavor can meet")
        if self.names and not set(self.preemptible) <= set(self.names):
            raise BrokenRule("may name those alone that stand in `names` too", ("preemptible",))
        return self


class OpenStackSite(Site):
    """One region of an OpenStack cloud."""

    driver: Literal["openstack"] = Field(description="`openstack`")
    vos: Mapping[VoName, Project] = Field(description="virtual organisation -> its project")
    endpoint: Annotated[Word, AfterValidator(_endpoint)] = Field(
        description="address of Keystone; https, or http on this machine and in private networks"
    )
    ca_certificate: FilePath | None = Field(
        None, description="file with the certificates to trust there; none: those of the system"
    )
    cloud_region: Word | None = Field(
        None, description="OpenStack's own name of the region; none: the cloud's only one"
    )
    interface: Literal["public", "internal"] = Field("public", description="which addresses of the catalogue are used")
    credentials: Credentials = Field(description="with whose rights the site is used")
    image: ImageSelector = Field(description="which image workers boot")
    flavors: FlavorSelector = Field(
        default_factory=lambda: FlavorSelector.model_validate({}), description="which flavors may be used"
    )
    networks: tuple[Word, ...] = Field(
        (), description="names or ids of the workers' networks; empty: as the cloud chooses"
    )
    availability_zones: tuple[Word, ...] = Field(
        (),
        description="zones, of which one is used until it has no room, then the next one; empty: as the cloud chooses",
    )

    @model_validator(mode="after")
    def _projects_fit_credentials(self) -> OpenStackSite:
        bound = isinstance(self.credentials, ApplicationCredential)
        for name, vo in self.vos.items():
            named = vo.project_id is not None or vo.project_name is not None
            if named == bound:
                says = (
                    "must name no project: an application credential has its own"
                    if bound
                    else "must say which project: by `project_id` or `project_name`"
                )
                raise BrokenRule(says, ("vos", name))
        return self


DESCRIPTION = OpenStackSite
