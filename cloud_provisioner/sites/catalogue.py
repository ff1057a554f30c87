"""From the files of a folder to its sites. Pure.

A file that is refused leaves the site that it described before in force. A name belongs to the file that has it already, at
first to the first by name of file; a second one is refused, and both are named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from cloud_provisioner.sites import companions, egi, parsing
from cloud_provisioner.sites.base import Site
from cloud_provisioner.sites.companions import Companions
from cloud_provisioner.sites.parsing import Parsed, parsed
from cloud_provisioner.sites.problem import Places, Problem
from cloud_provisioner.sites.text import parse

BESIDE = frozenset({*companions.DEFAULTS, *companions.MAPPINGS})
"""Names of files that describe no site themselves."""


@dataclass(frozen=True)
class Unreadable:
    """A file that is there and cannot be read, for the reason in `why`."""

    why: str


Content = bytes | Unreadable


@dataclass(frozen=True)
class Catalogue:
    """The sites in force by the files that describe them, and what there is to say of the files, in order.

    `places` are those of the keys of each site that is as its file says now.
    """

    sites: Mapping[str, Site]
    problems: tuple[Problem, ...]
    places: Mapping[str, Places] = field(default_factory=dict)

    def file_of(self, name: str) -> str | None:
        """The file that describes a site; None where none does."""
        return next((file for file, site in self.sites.items() if site.name == name), None)

    def by_name(self) -> dict[str, Site]:
        """The sites by their names, in the order of these."""
        return {site.name: site for site in sorted(self.sites.values(), key=lambda site: site.name)}


@dataclass(frozen=True)
class _Read:
    """What a file says; `egi`: the names in it, None where it is none of EGI's."""

    parsed: Parsed
    egi: egi.Names | None = None


class Reader:
    """Makes catalogues of contents, and parses again only what is different from the last time."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[Content, Companions | None, _Read]] = {}
        self._beside: tuple[Mapping[str, Content], Companions, tuple[Problem, ...]] | None = None

    def catalogue(
        self, contents: Mapping[str, Content], before: Mapping[str, Site], *, whole: bool = True
    ) -> Catalogue:
        """The sites that the files of one folder describe: path -> content. `before` are those in force until now.

        `whole`: these are all the files that the folder has.
        """
        beside = {file: content for file, content in contents.items() if _name(file) in BESIDE}
        if self._beside is None or self._beside[0] != beside:
            self._beside = (beside, *_companions(beside))
        _, around, problems = self._beside
        read = {file: self._read(file, contents[file], around) for file in sorted(contents.keys() - beside.keys())}
        self._last = {file: last for file, last in self._last.items() if file in read}
        found = {file: one.parsed for file, one in read.items()}
        sites, twice = _named(found, before)
        told = [problem for one in found.values() for problem in one.problems]
        notes = [*_unused(found, around, twice, before.keys() & sites.keys())]
        if whole:
            notes += _unheard(read.values(), around)
        places = {file: found[file].places for file, site in sites.items() if site is found[file].site}
        return Catalogue(sites, tuple(sorted({*problems, *told, *twice.values(), *notes})), places)

    def _read(self, file: str, content: Content, around: Companions) -> _Read:
        last = self._last.get(file)
        if last is not None and last[0] == content and (last[1] is None or last[1] is around):
            return last[2]
        found = _read(file, content, around)
        self._last[file] = (content, around if found.egi else None, found)
        return found


def _name(file: str) -> str:
    return file.rpartition("/")[2]


def _unused(
    found: Mapping[str, Parsed], around: Companions, twice: Collection[str], kept: Collection[str]
) -> Iterator[Problem]:
    """Notes on files that are not used: those of which the site as it was stays, and those that wait for another file."""
    for file, one in found.items():
        if file not in twice and not one.refused:
            continue
        waits = file not in twice and all(problem.note for problem in one.problems)
        says = f"waits for {' and '.join(around.refused)} to be corrected" if waits else "is refused"
        if file in kept:
            yield Problem(file, 1, "", f"{says}: the site as it was described before stays in force", note=True)
        elif waits:
            yield Problem(file, 1, "", f"{says}: there is no site of it until then", note=True)


def _unheard(read: Iterable[_Read], around: Companions) -> Iterator[Problem]:
    names = [one.egi for one in read if one.egi]
    return around.unheard({one.site for one in names}, {vo for one in names for vo in one.vos})


def _companions(beside: Mapping[str, Content]) -> tuple[Companions, tuple[Problem, ...]]:
    unreadable = [Problem(file, 1, "", one.why) for file, one in beside.items() if isinstance(one, Unreadable)]
    around, found = companions.read({file: one for file, one in beside.items() if isinstance(one, bytes)})
    problems = (*unreadable, *(problem for told in found.values() for problem in told))
    return replace(around, refused=(*around.refused, *(_name(one.file) for one in unreadable))), problems


def _read(file: str, content: Content, around: Companions) -> _Read:
    if isinstance(content, Unreadable):
        return _Read(parsed(None, [Problem(file, 1, "", content.why)]))
    text = parse(file, content)
    if isinstance(text, Problem):
        return _Read(parsed(None, [text]))
    if egi.is_egi(text.tree):
        return _Read(egi.site(text, around), egi.names(text.tree))
    return _Read(parsing.native(text))


def _named(found: Mapping[str, Parsed], before: Mapping[str, Site]) -> tuple[dict[str, Site], dict[str, Problem]]:
    """The sites in force by file, each with a name of its own; and what is wrong with the files whose name is taken."""
    wanted = {file: before.get(file) if one.refused else one.site for file, one in found.items()}
    sites: dict[str, Site] = {}
    owners: dict[str, str] = {}
    twice: dict[str, Problem] = {}
    for file, site in sorted(wanted.items(), key=lambda one: (not _has_it(one, before), one[0])):
        if site is None:
            continue
        if site.name in owners:
            other = owners[site.name]
            says = f"`{site.name}` is also the name of the site in {other}:{found[other].line}: change one of them"
            twice[file] = Problem(file, found[file].line, "name", says)
        else:
            owners[site.name], sites[file] = file, site
    for file in twice:
        old = before.get(file)
        if old is not None and old.name not in owners:
            owners[old.name], sites[file] = file, old
    return sites, twice


def _has_it(one: tuple[str, Site | None], before: Mapping[str, Site]) -> bool:
    file, site = one
    return site is not None and file in before and before[file].name == site.name


def combined(catalogues: Iterable[Catalogue]) -> Catalogue:
    """The catalogues of several folders as one, in which each name stands for one site as well."""
    sites: dict[str, Site] = {}
    owners: dict[str, str] = {}
    problems: set[Problem] = set()
    places: dict[str, Places] = {}
    for catalogue in catalogues:
        problems |= set(catalogue.problems)
        places |= catalogue.places
        for file, site in catalogue.sites.items():
            other = owners.setdefault(site.name, file)
            if other == file:
                sites[file] = site
            else:
                says = f"`{site.name}` is also the name of the site in {other}: change one of them"
                problems.add(Problem(file, 1, "name", says))
    return Catalogue(sites, tuple(sorted(problems)), places)
