"""The provisioner's settings: one schema, read from one TOML file; an unknown key is refused."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cloud_provisioner.errors import ProvisionerError
from database.address import Address
from identity.grants.settings import GrantSettings
from identity.settings_file import read

_DAY = 24 * 3600

Seconds = Annotated[float, Field(gt=0, le=10**9, allow_inf_nan=False)]


class SettingsUnusable(ProvisionerError):
    """The settings cannot be used; the message names file and key, never a value."""


class Section(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PoolSettings(Section):
    """The pool that workers join."""

    head: IPv4Address = Field(description="IPv4 address of the central manager, as workers reach it.")
    port: int = Field(9618, ge=1, le=65535, description="Its TCP port.")
    domain: str = Field(min_length=1, description="HTCondor's TRUST_DOMAIN.")
    signing_key: Path = Field(description="The pool's signing key (0600), as HTCondor keeps it, for workers' tokens.")
    schedd: str = Field("prominence@", description="Name of the access point.")
    drain: tuple[str, ...] = Field(
        ("condor_drain",),
        min_length=1,
        description="The command that drains a worker, as a list of words, its options left out.",
    )


class WorkerSettings(Section):
    """What every worker is told."""

    token_lifetime: int = Field(
        14 * _DAY,
        ge=600,
        description="Seconds for which a worker's token is good, and so the longest life of a worker.",
    )
    image_folders: str = Field("/cvmfs", description="Folders, separated by colons, below which jobs may name images.")
    registry_mirror: str = Field("", description="Registry that is asked first for Docker Hub names; empty: none.")
    idle_limit: Seconds = Field(
        3600,
        description="Seconds without a job after which a worker powers itself off: twice the site's keep_alive where that is "
        "longer, never at a site with kept_ready.",
    )
    silence_limit: Seconds = Field(
        1800, description="Seconds without an answer of the pool after which a worker powers itself off."
    )


class PaceSettings(Section):
    """How often what is looked at. Seconds."""

    cycle: Seconds = Field(1, description="Between two cycles.")
    list_busy: Seconds = Field(2, description="Between two lists of a site's servers while some come or go.")
    list_calm: Seconds = Field(20, description="Between two lists while nothing changes.")
    offer: Seconds = Field(60, description="Between two questions to a site for images, flavors and quota.")
    patience: Seconds = Field(30, description="For an answer of a cloud.")
    pool_patience: Seconds = Field(30, description="For an answer of the pool.")
    lease: Seconds = Field(15, description="For which a provisioner holds the right to act; another one waits as long.")


class TimeSettings(Section):
    """Time limits of servers. Seconds."""

    joining: Seconds = Field(600, description="From active at the cloud to joined.")
    lost: Seconds = Field(900, description="For which a worker that has left the pool may come back.")
    vanished: Seconds = Field(
        30, description="For which three lists or more must lack a server that was there, until it counts as gone."
    )
    leaks_apart: Seconds = Field(30, description="Between two lists that show a server of ours without a record.")
    pool_settling: Seconds = Field(
        60, description="After the collector's start, or a silence of it, until a missing worker says something."
    )


class PolicySettings(Section):
    """What holds for all sites."""

    hold_after: Seconds = Field(900, description="Wait of a multi-node job after which free quota is kept for it.")
    pressed_keep_alive: Seconds = Field(
        60, description="For which an idle worker stays where others wait for its quota."
    )
    shared_cpus: int = Field(16, ge=1, description="Shared workers are not made larger, unless a job needs it.")


class ProvisionerSettings(Section):
    """Everything that an operator may choose for the provisioner. The file is private: an address may hold a password."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")] = Field(
        "prominence", description="Name of this service among all that use the same projects; servers bear it."
    )
    instance: Annotated[str, StringConstraints(max_length=100)] = Field(
        "", description="Name of this process among those that may act for the service; empty: the machine's."
    )
    sites: Path = Field(description="Folder with the descriptions of sites.")
    database: Address = Field(
        description="sqlite:////path/of/a/file, or postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE."
    )
    metrics: str = Field(
        "", description="ADDRESS:PORT at which Prometheus finds the metrics, such as 127.0.0.1:9631; empty: nowhere."
    )
    pool: PoolSettings = Field(description="The pool that workers join.")
    grants: GrantSettings | None = Field(
        None,
        description="Rights that users lend to the service, for sites that are used with these; without it nobody's.",
    )
    workers: WorkerSettings = Field(
        default_factory=lambda: WorkerSettings.model_validate({}), description="What every worker is told."
    )
    pace: PaceSettings = Field(
        default_factory=lambda: PaceSettings.model_validate({}), description="How often what is looked at."
    )
    times: TimeSettings = Field(
        default_factory=lambda: TimeSettings.model_validate({}), description="Time limits of servers."
    )
    policy: PolicySettings = Field(
        default_factory=lambda: PolicySettings.model_validate({}), description="What holds for all sites."
    )


def load(file: Path) -> ProvisionerSettings:
    """The settings in a TOML file. SettingsUnusable."""
    return read(file, ProvisionerSettings, SettingsUnusable)


def shown(settings: ProvisionerSettings) -> str:
    """Each setting, a line each, with where its value is from; the address of the database without what is in it."""
    return "\n".join(
        f"{key} = {value!r}  # {'the file' if given else 'default'}" for key, value, given in _rows(settings, "", True)
    )


def _rows(section: BaseModel, before: str, given: bool) -> Iterator[tuple[str, Any, bool]]:
    for name in type(section).model_fields:
        value = getattr(section, name)
        there = given and name in section.model_fields_set
        if isinstance(value, BaseModel):
            yield from _rows(value, f"{before}{name}.", there)
        else:
            yield f"{before}{name}", value if not isinstance(value, Path) else str(value), there
