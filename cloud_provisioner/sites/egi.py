"""EGI's own site descriptions, as they stand, made into sites of the driver `openstack`. Pure.

The format is that of EGI-Federation/fedcloud-catchall-operations (README and schema.json there): a file names a site of
GOCDB, its Keystone, and the project of each VO. What it does not say is taken, key by key, from `egi-defaults.yaml` in the same
folder: first what that says of this site under `sites`, then what it says of all. `vo-mappings.yaml` says what makes a member.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import Field

from cloud_provisioner.drivers.openstack.schema import OpenStackSite
from cloud_provisioner.sites import leaks
from cloud_provisioner.sites.base import Section, SiteName, VoName, Word
from cloud_provisioner.sites.companions import Companions
from cloud_provisioner.sites.parsing import Parsed, parsed, validated
from cloud_provisioner.sites.problem import Path, Places, Problem
from cloud_provisioner.sites.text import Text, Tree


class _Auth(Section, extra="ignore"):
    project_id: Word = Field(description="id of the VO's project at the site")


class _EgiVo(Section, extra="ignore"):
    """A VO; EGI's schema allows any other key here, which are for other programs."""

    name: VoName = Field(description="name of the VO")
    auth: _Auth = Field(description="`project_id: ...`, indented below it")


class _Images(Section):
    sync: bool = Field(False, description="whether EGI copies images to the site")
    formats: tuple[Word, ...] = Field((), description="formats of images at the site")


class _Accounting(Section):
    enabled: bool = Field(False, description="whether EGI does the site's accounting")
    site_name: Word | None = Field(None, description="name of the site in accounting")


class EgiDescription(Section):
    """A file of EGI's; `images`, `accounting` and `auth_type` are for other programs."""

    gocdb: SiteName = Field(description="name of the site in GOCDB")
    endpoint: Word = Field(description="address of Keystone")
    region: Word | None = Field(None, description="OpenStack's name of the region")
    protocol: Word | None = Field(None, description="name of the protocol in Keystone")
    auth_type: Word | None = Field(None, description="how other programs authenticate")
    images: _Images | None = Field(None, description="for the copying of images")
    accounting: _Accounting | None = Field(None, description="for accounting")
    vos: tuple[_EgiVo, ...] = Field(description="a list of VOs, each with `name` and `auth`")


def is_egi(tree: Tree) -> bool:
    """Whether a file is one of EGI's: by its keys, as its name may be any."""
    return "gocdb" in tree or ("endpoint" in tree and not tree.keys() & {"name", "driver"})


@dataclass(frozen=True)
class Names:
    """What a file of EGI's calls its site and its VOs, be it right in all else or not."""

    site: str
    vos: frozenset[str]


def names(tree: Tree) -> Names:
    """The names in a file of EGI's."""
    named, vos = tree.get("gocdb"), tree.get("vos")
    called = [vo.get("name") for vo in vos if isinstance(vo, dict)] if isinstance(vos, list) else []
    return Names(named if isinstance(named, str) else "", frozenset(name for name in called if isinstance(name, str)))


def site(text: Text, companions: Companions) -> Parsed:
    """The site that a file of EGI's describes, together with what stands beside it."""
    made, found = validated(EgiDescription, text.tree, text.places)
    found += [*text.problems, *leaks.problems(text.tree, text.places)]
    line = text.places.of(("gocdb",)).line
    if made is None:
        return parsed(None, found, line)
    found += _twice(made, text.places)
    if companions.refused:
        return replace(parsed(None, found, line), refused=True)
    served = [number for number, vo in enumerate(made.vos) if companions.serves(vo.name)]
    if made.vos and not served:
        says = "names no VO that `serve` in egi-defaults.yaml lists: the site is not used"
        return parsed(None, [*found, text.places.problem(("vos",), says, note=True)], line)
    tree, places = _composed(made, text.places, served, companions)
    result, more = validated(OpenStackSite, tree, places)
    return parsed(result, [*found, *more, *_unmapped(made, text.places, served, companions)], line, places)


def _twice(made: EgiDescription, places: Places) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for number, vo in enumerate(made.vos):
        if vo.name in first:
            before = places.of(("vos", first[vo.name])).line
            says = f"maps the VO {vo.name} a second time, after line {before}: keep one"
            yield places.problem(("vos", number, "name"), says)
        first.setdefault(vo.name, number)


def _unmapped(made: EgiDescription, places: Places, served: Sequence[int], companions: Companions) -> Iterator[Problem]:
    for number in served:
        name = made.vos[number].name
        if companions.mapped and name not in companions.entitlements:
            says = f"{name} is not in {companions.mapped}: its members are those whom the service knows as such"
            yield places.problem(("vos", number, "name"), says, note=True)


def _composed(made: EgiDescription, egi: Places, served: Sequence[int], companions: Companions) -> tuple[Tree, Places]:
    """The description of an OpenStack site, and where each of its keys stands."""
    tree, places = companions.layers(made.gocdb)
    vos: Tree = {}
    for number in served:
        vo = made.vos[number]
        vos[vo.name] = {"project_id": vo.auth.project_id, "entitlement": companions.entitlements.get(vo.name)}
        places |= egi.below(("vos", number), ("vos", vo.name))
    tree |= {"name": made.gocdb, "driver": "openstack", "endpoint": made.endpoint, "vos": vos}
    moved: list[tuple[Path, Path]] = [
        ((), ()),
        (("gocdb",), ("name",)),
        (("endpoint",), ("endpoint",)),
        (("vos",), ("vos",)),
    ]
    if made.region is not None:
        tree["cloud_region"] = made.region
        moved.append((("region",), ("cloud_region",)))
    credentials = tree["credentials"]
    if made.protocol is not None and "identity_provider" in credentials:
        tree["credentials"] = {**credentials, "protocol": made.protocol}
        moved.append((("protocol",), ("credentials", "protocol")))
    return tree, Places(places | {new: egi.of(old) for old, new in moved})
