"""What every site is, whatever its driver: the model that a driver's schema extends.

Models are made of texts (see `text`), so numbers and truth values are read from texts. Descriptions of fields are in
docs/reference/sites.md, with their defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from cloud_provisioner.errors import BrokenRule

ANY_VO = "*"
"""In a site's `vos`: every virtual organisation that has no entry of its own."""

_WORD = r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
_VO = r"^(?:\*|/?[A-Za-z0-9][A-Za-z0-9._/-]*)$"
_PATH = r"^/[^\x00-\x1f]+$"
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"

FORMS = {
    _WORD: "must be a text of one line that is not empty",
    _NAME: "must begin with a letter or digit and have letters, digits and . _ - alone",
    _VO: "must be the name of a VO: letters, digits and . _ - / alone; or `*` for all VOs",
    _PATH: "must be a path from the root on, such as /etc/prominence/secret",
    _VARIABLE: "must be the name of an environment variable: letters, digits and _ alone",
}
"""What each form of texts asks for, as sentences say it."""

Word = Annotated[str, StringConstraints(pattern=_WORD, max_length=255)]
"""A text of one line, without space at its ends."""
SiteName = Annotated[str, StringConstraints(pattern=_NAME, max_length=64)]
"""A name that stands in ads, metrics and names of servers."""
VoName = Annotated[str, StringConstraints(pattern=_VO, max_length=255)]
FilePath = Annotated[str, StringConstraints(pattern=_PATH, max_length=1000)]
Variable = Annotated[str, StringConstraints(pattern=_VARIABLE, max_length=100)]
"""Name of an environment variable."""
Count = Annotated[int, Field(ge=0, le=10**6)]
Gigabytes = Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)]
"""1 GB is 1024 MB, as in flavors and in jobs."""


class Section(BaseModel):
    """A mapping of a description: unknown keys are refused, inputs never repeated."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Vo(Section):
    """A virtual organisation that a site serves; drivers add what they need to know, such as the project."""

    @model_validator(mode="before")
    @classmethod
    def _may_be_nothing(cls, value: Any) -> Any:
        return {} if value is None else value

    entitlement: Word | None = Field(
        None,
        description="entitlement that a member needs at the site (AARC-G069); none: whoever the service says is a member",
    )


class Limits(Section):
    """What the provisioner uses of a site at most, beside the cloud's own quota."""

    servers: Count | None = Field(None, description="servers at a time; none: as the cloud's quota says")
    cores: Count | None = Field(None, description="cores of all servers together; none: as the cloud's quota says")
    memory_gb: Gigabytes | None = Field(
        None, description="memory of all servers together, GB; none: as the cloud's quota says"
    )


class Site(Section):
    """A cloud, or a part of one, in which workers are made."""

    name: SiteName = Field(description="name of the site, which no other has: jobs ask for it, workers carry it")
    driver: Word = Field(description="type of the cloud: a folder of `cloud_provisioner/drivers/`")
    region: Word | None = Field(None, description="region for which jobs may ask")
    group: Word | None = Field(None, description="group of sites to which it belongs, named where reasons are given")
    enabled: bool = Field(
        True,
        description="false: no new servers, and those there are end with their jobs; the first step of taking a site away",
    )
    vos: Mapping[VoName, Vo] = Field(
        description="virtual organisation -> what is to be known of it here; `*` stands for all that are not named"
    )
    tier: int = Field(
        0,
        ge=0,
        le=1000,
        description="bursting: used when sites of lower tiers, which may serve the job, can take no more",
    )
    priority: int = Field(0, ge=-1000, le=1000, description="within a tier, sites of a higher priority come first")
    price: float = Field(
        0, ge=0, le=10**9, allow_inf_nan=False, description="price of a core for an hour, in the same unit at all sites"
    )
    limits: Limits = Field(default_factory=lambda: Limits.model_validate({}), description="what is used at most")
    keep_alive: float = Field(
        600,
        ge=0,
        le=30 * 86400,
        allow_inf_nan=False,
        description="seconds that an idle worker is kept for the next job",
    )
    kept_ready: int = Field(0, ge=0, le=1000, description="workers that are kept although no job needs them")
    starting: int = Field(20, ge=1, le=1000, description="servers that are on their way at a time, at most")
    longest_job: Annotated[float, Field(ge=60, le=10**9, allow_inf_nan=False)] | None = Field(
        None, description="seconds after which the site ends servers; none: never"
    )
    boot_timeout: float = Field(
        900,
        ge=10,
        le=86400,
        allow_inf_nan=False,
        description="seconds in which the cloud must have made a server, else it is deleted and counts as a failed boot; after "
        "that it has `times.joining` of the provisioner's settings for joining the pool",
    )
    reachable: bool = Field(
        False,
        description="whether the pool's head can connect to the servers; false: HTCondor's connection broker (CCB) at the "
        "head has them connect to it, as is needed for private addresses and behind firewalls",
    )

    @model_validator(mode="after")
    def _serves_somebody(self) -> Site:
        if not self.vos:
            raise BrokenRule("must name at least one virtual organisation, or `*` for all", ("vos",))
        return self

    def vo(self, name: str) -> Vo | None:
        """What is known of a virtual organisation here; None where the site does not serve it."""
        return self.vos.get(name) or self.vos.get(ANY_VO)
