"""What a driver promises: the few calls that the provisioner makes to a cloud, and what their outcomes mean.

A driver knows nothing of jobs, keeps no state that matters, and never waits: it makes one request, within its time-out,
and reports. The provisioner repeats, backs off and decides. Every call may come from any thread, several at a time.

A driver is a folder with `schema.py` (see `drivers`) and `calls.py`, which defines `accounts` and `connect` as described
in `DriverModule`. Every driver passes the conformance tests in `tests/conformance/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from cloud_provisioner.amounts import NOTHING, Amount
from cloud_provisioner.errors import ProvisionerError
from cloud_provisioner.planning.places import Flavor, Limits
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.views import CloudView
from cloud_provisioner.sites.base import Site


class CloudRefused(ProvisionerError):
    """The cloud has said no, or could not be asked at all: surely nothing was done."""

    def __init__(self, failure: Failure, sentence: str) -> None:
        super().__init__(sentence)
        self.failure = failure
        self.sentence = sentence
        """For the site's admin: names the key of the description that is to be looked at, and what to do."""


class CloudAmbiguous(ProvisionerError):
    """The request may have been carried out, now or later: it timed out, broke off, or met a 5xx."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Order:
    """A server to be made. `name` contains `uuid`; both, and `service`, stand in the server's metadata as well."""

    uuid: str
    name: str
    service: str
    """The name of this provisioner among all that use the cloud."""
    flavor: str
    """The name of one of the flavors offered."""
    vo: str
    """One of the account's VOs, whose networks are used."""
    user_data: str
    """A script that the server runs as root when it starts. It holds a token: it is not to be logged."""
    zone: int = 0
    """How many zones have had no room, one after the other: drivers with several take the next one."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What an account at a cloud has at present. `used` counts all its servers, ours and others'."""

    flavors: tuple[Flavor, ...]
    limits: Limits
    """The cloud's quota alone; the admin's own limits are not the driver's business."""
    used: Amount = NOTHING
    used_servers: int = 0
    notes: tuple[str, ...] = ()
    """Sentences for the admin about what was left out, such as flavors smaller than the image."""


class Credential(Protocol):
    """The rights of a user who lends them to the service."""

    def access_token(self, *, fresh: bool = False) -> str:
        """A valid OIDC access token; `fresh`: not the one given before, which the cloud refused.

        Raises CloudRefused with Failure.AUTH where the grant was refused or revoked, with Failure.BUSY where the
        identity provider does not answer.
        """
        ...


class Account(Protocol):
    """One project at a cloud, used with one credential. Made without any call; safe to share between threads.

    Reading calls (`offer`, `listing`) raise CloudRefused alone: a failure of the network is Failure.BUSY, a wrong
    certificate, or an answer that is none of the cloud's, is Failure.BAD_REQUEST, refused credentials are Failure.AUTH.
    """

    def offer(self) -> Offer:
        """Flavors on which the selected image boots, and what is left of the quota. A few calls; asked now and then."""
        ...

    def listing(self, begun_at: float) -> CloudView:
        """The servers in the project that bear our metadata, of any service; one call, whatever their number.

        `begun_at` is the caller's time just before the call, and goes into the view. A list that cannot be had to its
        end raises, or is marked as not complete: it is never silently short.
        """
        ...

    def create(self, order: Order) -> str:
        """Asks for one server and returns the cloud's id of it, which it may still be making for minutes.

        Raises CloudRefused when surely nothing was made, CloudAmbiguous when that is not known. Never retries.
        """
        ...

    def delete(self, cloud_id: str) -> bool:
        """Asks for the end of a server, however often. True: the cloud does not have it (any more); False: it was asked.

        Raises CloudRefused or CloudAmbiguous.
        """
        ...

    def close(self) -> None:
        """Gives back connections. The account is not used after this."""
        ...


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that a site needs in order to work, to be tried by itself."""

    name: str
    """A word for it, such as `image`."""
    run: Callable[[], str]
    """Tries it now, whatever was found before, and gives a phrase about what there is. CloudRefused."""


@runtime_checkable
class Probing(Protocol):
    """What an account has as well that can be tried piece by piece, for people; `offer` needs all that is probed."""

    def probe(self, vo: str) -> Sequence[Probe]:
        """The pieces for one of the account's VOs, each of which may be run whatever became of those before."""
        ...


class DriverModule(Protocol):
    """What a driver's `calls.py` defines."""

    def accounts(self, site: Site) -> Sequence[Sequence[str]]:
        """The VOs of a site's description, in groups that share a project, and so its quota and its list of servers."""
        ...

    def per_user(self, site: Site) -> bool:
        """Whether servers are made with the rights of the user whose job needs them."""
        ...

    def connect(
        self, site: Site, vo: str, credential: Credential | None, environ: Mapping[str, str], patience: float
    ) -> Account:
        """The project that a VO has at a site. `credential` where the site works with users' own rights, else None.

        `environ` is where secrets by name of a variable are read, at each use; `patience` is the time-out of a call in
        seconds. CloudRefused where the description cannot be used as it is.
        """
        ...
