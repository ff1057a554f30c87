"""What a description of a local site may say: one machine that is cut into workers."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator

from cloud_provisioner.errors import BrokenRule
from cloud_provisioner.sites.base import ANY_VO, FilePath, Section, Site, Vo, VoName, Word

_MOUNTABLE = re.compile(r"[A-Za-z0-9/._+-]+")
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")
_MOST = 4096


class WorkerSize(Section):
    """How large each worker is."""

    cores: int = Field(1, ge=1, le=1024, description="cores of each worker")
    memory_gb: Annotated[float, Field(gt=0, le=10**6, allow_inf_nan=False)] = Field(
        1, description="memory of each worker, GB"
    )
    disk_gb: Annotated[float, Field(gt=0, le=10**6, allow_inf_nan=False)] = Field(
        10, description="disk of each worker, GB"
    )


class LocalSite(Site):
    """Workers in namespaces on the provisioner's machine."""

    driver: Literal["local"] = Field(description="`local`")
    vos: Mapping[VoName, Vo] = Field(
        default_factory=lambda: {ANY_VO: Vo.model_validate({})}, description="as for every site; all when left out"
    )
    appliance: FilePath = Field(description="folder with the root file system of the workers")
    folder: FilePath = Field(description="folder for what the workers write; it is emptied as they go")
    worker: WorkerSize = Field(
        default_factory=lambda: WorkerSize.model_validate({}), description="how large each worker is"
    )
    addresses: Word = Field(
        "127.83.0.1-127.83.0.250",
        description="loopback addresses for the workers, `FIRST-LAST`, one each: so many workers there are at most",
    )
    reachable: bool = Field(True, description="as for every site; true when left out")
    images: FilePath | None = Field(None, description="folder that jobs see as /images; none: there is none")

    @field_validator("appliance", "folder", "images")
    @classmethod
    def _can_be_mounted(cls, path: str | None) -> str | None:
        if path is not None and not _MOUNTABLE.fullmatch(path):
            raise BrokenRule("must be a path of letters, digits and /._+- alone: it becomes part of mount options")
        return path

    @field_validator("addresses")
    @classmethod
    def _is_a_range(cls, text: str) -> str:
        try:
            first, last = (ipaddress.IPv4Address(part.strip()) for part in text.split("-"))
        except ValueError:
            first, last = ipaddress.IPv4Address(1), ipaddress.IPv4Address(0)
        if not 0 <= int(last) - int(first) < _MOST or first not in _LOOPBACK or last not in _LOOPBACK:
            raise BrokenRule(f"must be the first and the last of at most {_MOST} addresses in {_LOOPBACK}: FIRST-LAST")
        return text

    def seats(self) -> tuple[str, ...]:
        """The addresses, in order."""
        first, last = (int(ipaddress.IPv4Address(part.strip())) for part in self.addresses.split("-"))
        return tuple(str(ipaddress.IPv4Address(number)) for number in range(first, last + 1))


DESCRIPTION = LocalSite
