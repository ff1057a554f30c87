"""Descriptions read once, from the files and folders that somebody names: for checking them without a service."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cloud_provisioner.errors import SecretUnusable
from cloud_provisioner.sites import folder as disk
from cloud_provisioner.sites.base import Site
from cloud_provisioner.sites.catalogue import BESIDE, Catalogue, Reader, combined
from cloud_provisioner.sites.problem import Problem, key_text
from cloud_provisioner.sites.secrets import references


def load(paths: Sequence[Path]) -> Catalogue:
    """The sites that files and folders describe; what stands beside a file is read with it."""
    wanted: dict[Path, list[str]] = {}
    problems: list[Problem] = []
    seen: set[str] = set()
    for path in paths:
        try:
            files = sorted(disk.listing(path)) if path.is_dir() else [str(path)]
        except OSError as error:
            says = f"cannot be listed ({error.strerror}): {disk.remedy(error)}"
            problems.append(Problem(str(path), 1, "", says))
            continue
        if not [file for file in files if Path(file).name not in BESIDE] and path.is_dir():
            problems.append(Problem(str(path), 1, "", "has no description of a site: their names end in .yaml"))
        fresh = [file for file in files if os.path.realpath(file) not in seen]
        seen.update(os.path.realpath(file) for file in fresh)
        wanted.setdefault(path if path.is_dir() else path.parent, []).extend(fresh)
    found = combined(_folder(folder, files) for folder, files in wanted.items())
    return replace(found, problems=tuple(sorted({*problems, *found.problems})))


def _folder(folder: Path, files: Sequence[str]) -> Catalogue:
    contents = {file: disk.read(file)[0] for file in {*files, *disk.beside(folder)}}
    return Reader().catalogue(contents, {})


def secrets(sites: Mapping[str, Site], environ: Mapping[str, str]) -> tuple[Problem, ...]:
    """Notes on the secrets of sites (file -> site) that this process cannot have; another account perhaps can."""
    notes = []
    for file, site in sites.items():
        for path, reference in references(site):
            try:
                reference.read(environ)
            except SecretUnusable as error:
                notes.append(Problem(file, 1, key_text(path), f"{error} Seen by who runs this command.", note=True))
    return tuple(notes)
