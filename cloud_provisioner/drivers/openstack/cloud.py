"""One project at a cloud: where its services are, which versions they speak, and the requests that are made of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

import novaclient
from keystoneauth1.discover import EndpointData
from novaclient import client
from pydantic import Field, ValidationError

from cloud_provisioner.drivers.contract import CloudRefused
from cloud_provisioner.drivers.openstack import catalogue
from cloud_provisioner.drivers.openstack.entries import Entries, Shown, name_of
from cloud_provisioner.drivers.openstack.errors import Answered, NotUnderstood
from cloud_provisioner.drivers.openstack.schema import OpenStackSite
from cloud_provisioner.drivers.openstack.servers import ID
from cloud_provisioner.drivers.openstack.session import CloudSession
from cloud_provisioner.drivers.openstack.signing_in import SigningIn
from cloud_provisioner.drivers.openstack.wire import place
from cloud_provisioner.servers.failures import Failure

Service = Literal["compute", "image", "network"]
Version = tuple[int, int]
NETWORKS_ARE_SAID: Version = (2, 37)
EXTRA_SPECS_IN_LISTS: Version = (2, 61)
TAGS_AT_CREATION: Version = (2, 52)
_MAJOR: Mapping[Service, str] = {"image": "/v2", "network": "/v2.0"}
_QUERY: Mapping[Service, Mapping[str, str]] = {"image": {"limit": "1000"}}
"""Glance gives 25 images where nothing is said, Nova and Neutron as many as they allow."""
_PAGES = 1000
_S = TypeVar("_S", bound=Shown)


class _Created(Shown):
    id: str = Field(pattern=ID)


class Cloud:
    """The services of a project. Made without any call; safe to share between threads.

    What goes wrong comes as Answered, NoAnswer or NotUnderstood; as CloudRefused where it is about signing in or the
    catalogue.
    """

    def __init__(self, site: OpenStackSite, plugin: SigningIn, patience: float) -> None:
        self._site = site
        self._plugin = plugin
        self._session = CloudSession(plugin, site.ca_certificate, patience)
        self._nova: Any = None
        self._lock = threading.Lock()

    def version(self) -> Version:
        """The microversion that is spoken with Nova."""
        version = self._compute().api_version
        return version.ver_major, version.ver_minor

    def forget_version(self) -> None:
        """Asks Nova for its versions again before the next request."""
        with self._lock:
            self._nova = None

    def limits(self, model: type[_S]) -> _S:
        """Nova's absolute limits of the project, and what is used of them."""
        nova = self._compute()
        with self._fields("compute"):
            found = {one.name: one.value for one in nova.limits.get().absolute}
        return self._made("compute", found, model)

    def create(self, **server: Any) -> str:
        """One server, by the arguments of novaclient's `create`; the cloud's id of it. Sent once."""
        nova = self._compute()
        with self._fields("compute"):
            made = nova.servers.create(**server, min_count=1, max_count=1).to_dict()
        return self._made("compute", made, _Created).id

    def delete(self, cloud_id: str) -> None:
        """Asks for the end of a server."""
        self._compute().servers.delete(cloud_id)

    def one(self, service: Service, path: str, model: type[_S]) -> _S:
        """A single thing."""
        return self._made(service, self._get(service, path), model)

    def entries(self, service: Service, path: str, key: str, model: type[_S], **query: str) -> Entries[_S]:
        """Everything in a list, to its end, in pages as large as the cloud makes them. The models have an `id`.

        NotUnderstood where there are entries and none can be used: that is no list of these.
        """
        query |= _QUERY.get(service, {})
        found: dict[str, object] = {}
        for _ in range(_PAGES):
            body = self._get(service, f"{path}?{urlencode(query)}" if query else path)
            page = {name_of(one): one for one in self._list(service, body.get(key))}
            news = {name: one for name, one in page.items() if name not in found}
            found |= news
            if not _more(body, key):
                return self._read(service, found.values(), model)
            if not news or not any(page):
                break
            query["marker"] = next(name for name in reversed(page) if name)
        raise NotUnderstood(place(self._address(service)), f"its list of {key} has no end")

    def close(self) -> None:
        """Hangs up."""
        self._session.close()

    def _get(self, service: Service, path: str) -> Any:
        if service == "compute":
            return self._compute().client.get(path)[1]
        url = f"{self._address(service)}{path}"
        return self._session.get(url, endpoint_filter={"service_type": service}).json()

    def _list(self, service: Service, page: object) -> list[object]:
        if not isinstance(page, list):
            raise NotUnderstood(place(self._address(service)), "it has no list")
        return page

    def _read(self, service: Service, there: Iterable[object], model: type[_S]) -> Entries[_S]:
        usable, odd = [], []
        for one in there:
            try:
                usable.append(model.model_validate(one))
            except ValidationError:
                odd.append(one)
        if odd and not usable:
            self._made(service, odd[0], model)
        return Entries(tuple(usable), tuple(odd))

    def _made(self, service: Service, one: object, model: type[_S]) -> _S:
        try:
            return model.model_validate(one)
        except ValidationError as error:
            fields = ", ".join(str(part["loc"][0]) for part in error.errors(include_input=False) if part["loc"])
            says = f"of a {model.__name__} it has no usable {fields or 'fields'}"
            raise NotUnderstood(place(self._address(service)), says) from None

    def _compute(self) -> Any:
        """novaclient, with the newest microversion that it and the cloud know."""
        with self._lock:
            if self._nova is None:
                region = self._endpoint("compute").region_name
                newest = "{}.{}".format(*self._newest())
                self._nova = client.Client(
                    newest, session=self._session, region_name=region, endpoint_type=self._site.interface
                )
                # It would write the ids of servers to files in the home directory, for completion in shells.
                self._nova.servers.completion_cache = lambda *_, **__: nullcontext()
            return self._nova

    def _newest(self) -> Version:
        url = (
            str(self._endpoint("compute").url)
            .rstrip("/")
            .removesuffix(f"/{self._plugin.get_project_id(self._session)}")
        )
        try:
            body = self._session.get(f"{url}/", endpoint_filter={"service_type": "compute"}).json()
        except NotUnderstood:
            return catalogue.OLDEST
        except Answered as error:
            if error.http_status >= 500 or error.http_status in (401, 408, 429):
                raise
            return catalogue.OLDEST
        least, most = catalogue.microversions(body)
        ours = (novaclient.API_MAX_VERSION.ver_major, novaclient.API_MAX_VERSION.ver_minor)
        if least > ours:
            says = f"the cloud's Nova speaks microversions from {least[0]}.{least[1]} on, which are too new"
            raise CloudRefused(Failure.BAD_REQUEST, f"`endpoint`: {says}: update python-novaclient.")
        return min(most, ours)

    def _address(self, service: Service) -> str:
        """The address of a service, with its major version."""
        url, major = str(self._endpoint(service).url).rstrip("/"), _MAJOR.get(service, "")
        return url if url.endswith(major) else f"{url}{major}"

    def _endpoint(self, service: Service) -> EndpointData:
        return catalogue.endpoint(self._plugin.get_access(self._session), self._site, service)

    @contextmanager
    def _fields(self, service: Service) -> Iterator[None]:
        """NotUnderstood where novaclient, which reads any JSON as if it were Nova's, stumbles."""
        try:
            yield
        except (LookupError, TypeError, AttributeError):
            raise NotUnderstood(place(self._address(service)), "a field is missing") from None


def _more(body: Mapping[str, Any], key: str) -> bool:
    """Whether a list goes on: Nova and Neutron give `servers_links`, Glance gives `next`."""
    links = body.get(f"{key}_links")
    return bool(body.get("next")) or any(
        isinstance(one, dict) and one.get("rel") == "next" for one in (links if isinstance(links, list) else ())
    )
