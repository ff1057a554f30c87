"""The files beside EGI's descriptions: defaults for their sites, and the entitlements of their VOs. Pure.

The defaults are checked by themselves, as part of a made-up site, so that a mistake in them is reported once and at its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import Field

from cloud_provisioner.drivers.openstack.schema import OpenStackSite
from cloud_provisioner.sites import leaks
from cloud_provisioner.sites.base import Section, SiteName, VoName, Word
from cloud_provisioner.sites.parsing import validated
from cloud_provisioner.sites.problem import Path, Place, Places, Problem, shown
from cloud_provisioner.sites.sentences import unknown_key
from cloud_provisioner.sites.text import Text, Tree, parse
from identity.model_keys import nearest

DEFAULTS = ("egi-defaults.yaml", "egi-defaults.yml")
"""Names of the file of defaults."""
MAPPINGS = ("vo-mappings.yaml", "vo-mappings.yml", "vo-mappings.yaml.txt")
"""Names of the file of entitlements, as EGI calls it."""

BUILT_IN: Mapping[str, Any] = {"credentials": {"type": "user_grant"}, "image": {"name": "prominence-worker"}}
"""What holds where the defaults do not say."""
_OF_THE_FILES = frozenset({"name", "driver", "endpoint", "cloud_region", "vos"})
_FEDERATION = {"identity_provider": "egi.eu", "protocol": "openid"}
_FEDERATED = ("user_grant", "oidc_access_token")
"""Types of credentials that need to know the identity provider."""
_BOUND = "application_credential"
_TRIAL = {"name": "site", "driver": "openstack", "endpoint": "https://localhost", "vos": {"vo": {"project_id": "p"}}}
_EMPTY = Text({}, Places({(): Place("", 1)}), ())


class EgiDefaults(Section, extra="ignore"):
    """What `egi-defaults.yaml` may say beside the keys of an OpenStack site."""

    identity_provider: Word = Field("egi.eu", description="name of the identity provider in each site's Keystone")
    protocol: Word = Field(
        "openid", description="name of the protocol in Keystone, where the site's own file does not say it"
    )
    serve: tuple[VoName, ...] | None = Field(
        None, description="the VOs to serve, of those that the sites name; none: all of them"
    )
    sites: Mapping[SiteName, Mapping[str, Any]] = Field(
        default_factory=dict, description="site -> keys that are different there; each replaces the one for all sites"
    )


class VoMappings(Section):
    """`vo-mappings.yaml`: which entitlement makes a member of each VO."""

    vos: Mapping[VoName, Word] = Field(default_factory=dict, description="VO -> entitlement of its members")


@dataclass(frozen=True)
class Companions:
    """What stands beside EGI's descriptions. `mapped` is the file of entitlements, empty where there is none.

    `refused`: the names of those that cannot be used; while there are any, no site can be made.
    """

    defaults: Text = _EMPTY
    serve: tuple[str, ...] | None = None
    entitlements: Mapping[str, str] = field(default_factory=dict)
    mapped: str = ""
    refused: tuple[str, ...] = ()

    def serves(self, vo: str) -> bool:
        """Whether a VO that a site names is to be served."""
        return self.serve is None or vo in self.serve

    def layers(self, site: str) -> tuple[Tree, dict[Path, Place]]:
        """What is said of a site here, and where."""
        return _layers(self.defaults, site)

    def unheard(self, sites: Collection[str], vos: Collection[str]) -> Iterator[Problem]:
        """Notes on the sites and VOs of the defaults that are none of those in EGI's files."""
        for site in _at(self.defaults, ("sites",)):
            if site not in sites:
                says = f"is no site of EGI's files that can be read: {_meant(site, sites, 'what it says is not used')}"
                yield self.defaults.places.problem(("sites", site), says, note=True)
        serve = self.defaults.tree.get("serve")
        for number, vo in enumerate(serve if isinstance(serve, list) else ()):
            if isinstance(vo, str) and vo not in vos:
                says = f"is no VO of EGI's files that can be read: {_meant(vo, vos, 'it is served nowhere')}"
                yield self.defaults.places.problem(("serve", number), says, note=True)


def _meant(name: str, known: Collection[str], otherwise: str) -> str:
    """Which known name was probably meant, be it written large or small."""
    near = nearest(name.lower(), {one.lower(): one for one in known})
    return next((f"did you mean `{shown(one)}`?" for one in known if one.lower() == near), otherwise)


def read(files: Mapping[str, bytes]) -> tuple[Companions, dict[str, tuple[Problem, ...]]]:
    """What stands beside EGI's descriptions, and what is wrong with each of the files.

    `files` are those of one folder whose names are in DEFAULTS and MAPPINGS: path -> content.
    """
    found: dict[str, tuple[Problem, ...]] = dict.fromkeys(files, ())
    defaults, serve = _EMPTY, None
    entitlements: dict[str, str] = {}
    first_defaults, first_mappings = _first(files, DEFAULTS), _first(files, MAPPINGS)
    for file, content in files.items():
        if file == first_defaults:
            defaults, serve, found[file] = _read_defaults(file, content)
        elif file == first_mappings:
            entitlements, found[file] = _read_mappings(file, content)
        else:
            found[file] = (Problem(file, 1, "", "is not read, since another of its kind stands beside it", note=True),)
    refused = tuple(sorted(_name(file) for file, told in found.items() if any(not problem.note for problem in told)))
    return Companions(defaults, serve, entitlements, _name(first_mappings), refused), found


def _name(file: str) -> str:
    return file.rpartition("/")[2]


def _first(files: Mapping[str, bytes], names: tuple[str, ...]) -> str:
    return next((file for name in names for file in files if _name(file) == name), "")


def _parsed(file: str, content: bytes) -> Text | Problem:
    """The file as a tree; one without a word is probably half-written, and is no wish."""
    if not content.strip():
        return Problem(file, 1, "", "is empty: take it away, or leave a comment in it where it is to say nothing")
    return parse(file, content, optional=True)


def _read_defaults(file: str, content: bytes) -> tuple[Text, tuple[str, ...] | None, tuple[Problem, ...]]:
    text = _parsed(file, content)
    if isinstance(text, Problem):
        return _EMPTY, None, (text,)
    made, found = validated(EgiDefaults, text.tree, text.places)
    found += [*text.problems, *leaks.problems(text.tree, text.places)]
    wrong = _FEDERATION.keys() & {problem.key for problem in found}
    sound = replace(text, tree={key: value for key, value in text.tree.items() if key not in wrong})
    for site in ("", *_at(text, ("sites",))):
        found += [*_unknown(text, site), *_tried(sound, site)]
    return text, made.serve if made else None, tuple(sorted(set(found)))


def _tried(defaults: Text, site: str) -> list[Problem]:
    """What is wrong with the keys of an OpenStack site, as part of a made-up one."""
    tree, places = _layers(defaults, site)
    trial = {**tree, **_TRIAL}
    if _kind(tree["credentials"]) == _BOUND:  # is refused by itself, and has no project to go with
        trial["vos"] = {"vo": {}}
    return validated(OpenStackSite, trial, Places(places))[1]


def _kind(credentials: Any) -> Any:
    return credentials.get("type") if isinstance(credentials, dict) else None


def _layers(defaults: Text, site: str) -> tuple[Tree, dict[Path, Place]]:
    """The keys of an OpenStack site: for all sites, then for this one; keys that are not known are left out."""
    known = OpenStackSite.model_fields.keys() - _OF_THE_FILES
    tree: Tree = dict(BUILT_IN)
    federation = dict(_FEDERATION)
    places: dict[Path, Place] = {(): defaults.places.of(())}
    for before in ((), ("sites", site)):
        for key, value in _at(defaults, before).items():
            if key in known:
                tree[key] = value
                places = {path: place for path, place in places.items() if path[:1] != (key,)}
                places |= defaults.places.below((*before, key), (key,))
            elif key in federation:
                federation[key] = value
                places |= defaults.places.below((*before, key), ("credentials", key))
    credentials = tree["credentials"]
    if _kind(credentials) in _FEDERATED:
        tree["credentials"] = {**federation, **credentials}
    return tree, places


def _at(defaults: Text, path: tuple[str, ...]) -> Tree:
    """The mapping at a place; an empty one where there is none."""
    found: Any = defaults.tree
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _unknown(text: Text, site: str) -> Iterator[Problem]:
    """The keys that cannot stand here, and the one kind of credentials that cannot."""
    before = ("sites", site) if site else ()
    own = _FEDERATION.keys() if site else EgiDefaults.model_fields
    known = [*(name for name in OpenStackSite.model_fields if name not in _OF_THE_FILES), *own]
    for key, value in _at(text, before).items():
        if key in _OF_THE_FILES:
            yield text.places.problem((*before, key), "must not stand here: EGI's own files say it")
        elif key not in known:
            yield text.places.problem((*before, key), unknown_key(key, known))
        elif key == "credentials" and _kind(value) == _BOUND:
            says = "must be another type: an application credential has one project, EGI's sites have one for each VO"
            yield text.places.problem((*before, key, "type"), says)


def _read_mappings(file: str, content: bytes) -> tuple[dict[str, str], tuple[Problem, ...]]:
    text = _parsed(file, content)
    if isinstance(text, Problem):
        return {}, (text,)
    made, found = validated(VoMappings, text.tree, text.places)
    found += text.problems
    entitlements: dict[str, str] = {}
    for name, entitlement in made.vos.items() if made else ():
        entitlements[name] = "".join(entitlement.split())
        if entitlements[name] != entitlement:
            says = "has a space, which no entitlement has: it is read without it"
            found.append(text.places.problem(("vos", name), says, note=True))
    return entitlements, tuple(sorted(set(found)))
