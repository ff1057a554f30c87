"""A folder of descriptions, kept up to date while it changes under our eyes.

Races it has thought of: an editor that empties a file before it writes it, or writes it in parts, of which each may look
complete (a change is taken when it has stood still for SETTLE seconds); one that takes the file away and puts another in its
place (so has an absence); a folder that cannot be listed for a while (nothing is known then, so nothing changes). At the
first look everything is taken as it is, since there is nothing to keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from cloud_provisioner.sites import folder as disk
from cloud_provisioner.sites.base import Site
from cloud_provisioner.sites.catalogue import Catalogue, Content, Reader, Unreadable
from cloud_provisioner.sites.folder import Signature
from cloud_provisioner.sites.problem import Problem

SETTLE = 1.0
"""Seconds for which a file must look the same before a change of it is taken."""

_UNKNOWN: Signature = ()
"""Looks like no file, so one that could not be read is tried again."""


@dataclass(frozen=True)
class Changes:
    """What one look at the folder brought: names of sites, and the problems that were not there at the look before."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    news: tuple[Problem, ...] = ()


class Settling:
    """Which files have changed and stood still since. Pure: it is told what there is to see, and when."""

    def __init__(self) -> None:
        self._taken: dict[str, Signature] = {}
        self._moving: dict[str, tuple[Signature | None, float]] = {}

    def due(self, seen: Mapping[str, Signature], now: float, *, settle: float) -> list[str]:
        """The files that look different from what was taken, and have looked like that for `settle` seconds."""
        different = {file for file in seen.keys() | self._taken.keys() if seen.get(file) != self._taken.get(file)}
        moving = {}
        for file in different:
            before = self._moving.get(file)
            moving[file] = before if before and before[0] == seen.get(file) else (seen.get(file), now)
        self._moving = moving
        return sorted(file for file, (_, since) in moving.items() if now - since >= settle)

    def take(self, file: str, signature: Signature | None) -> None:
        """A file was taken as it is; None: as one that is gone."""
        del self._moving[file]
        if signature is None:
            del self._taken[file]
        else:
            self._taken[file] = signature


class Sites:
    """The sites that the files in `folder` describe; `refresh` looks again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._settling = Settling()
        self._reader = Reader()
        self._contents: dict[str, Content] = {}
        self._catalogue = Catalogue({}, ())
        self._by_name: dict[str, Site] = {}
        self._unlisted: tuple[Problem, ...] = ()
        self._looked = False

    @property
    def sites(self) -> Mapping[str, Site]:
        """The sites in force, by name."""
        return MappingProxyType(self._by_name)

    def file_of(self, name: str) -> str | None:
        """The file that describes a site in force; None where none does."""
        return self._catalogue.file_of(name)

    def problems(self) -> tuple[Problem, ...]:
        """Everything that there is to say of the folder and its files at present."""
        return (*self._unlisted, *self._catalogue.problems)

    def refresh(self, now: float) -> Changes:
        """Looks at the folder and takes what has changed; waits for nothing but the disk. `now`: seconds of a steady clock."""
        told = set(self.problems())
        before = self._by_name
        try:
            seen = disk.listing(self._folder)
        except OSError as error:
            says = f"cannot be listed ({error.strerror}): {disk.remedy(error)}; until then the sites stay as they are"
            self._unlisted = (Problem(str(self._folder), 1, "", says),)
        else:
            self._unlisted = ()
            if self._take(seen, now):
                self._catalogue = self._reader.catalogue(self._contents, self._catalogue.sites)
                self._by_name = self._catalogue.by_name()
        news = tuple(problem for problem in self.problems() if problem not in told)
        return _changes(before, self._by_name, news)

    def _take(self, seen: Mapping[str, Signature], now: float) -> bool:
        """Reads what has changed; whether anything has."""
        settle = SETTLE if self._looked else 0
        self._looked = True
        taken = False
        for file in self._settling.due(seen, now, settle=settle):
            if file not in seen:
                self._contents.pop(file)
                self._settling.take(file, None)
                taken = True
                continue
            content, signature = disk.read(file)
            if signature == seen[file] or not settle:
                taken |= self._contents.get(file) != content
                self._contents[file] = content
                self._settling.take(file, _UNKNOWN if isinstance(content, Unreadable) else seen[file])
        return taken


def _changes(before: Mapping[str, Site], now: Mapping[str, Site], news: tuple[Problem, ...]) -> Changes:
    return Changes(
        added=tuple(name for name in now if name not in before),
        changed=tuple(name for name in now if name in before and now[name] != before[name]),
        removed=tuple(name for name in before if name not in now),
        news=news,
    )
