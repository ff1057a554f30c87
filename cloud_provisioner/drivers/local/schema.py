"""What a description of a local site may say: one machine that is cut into workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from cloud_provisioner.sites.base import ANY_VO, FilePath, Section, Site, Vo, VoName


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


DESCRIPTION = LocalSite
