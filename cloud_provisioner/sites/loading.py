"""Descriptions read once, from the files and folders that somebody names: for checking them without a service."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cloud_provisioner.errors import SecretUnusable
from cloud_provisioner.sites import folder as disk
from cloud_provisioner.sites.catalogue import BESIDE, Catalogue, Reader, combined
from cloud_provisioner.sites.problem import Problem
from cloud_provisioner.sites.secrets import references


def load(paths: Sequence[Path]) -> Catalogue:
    """The sites that files and folders describe; what stands beside a file is read with it."""
    wanted: dict[Path, list[str]] = {}
    listed: dict[Path, list[str]] = {}
    problems: list[Problem] = []
    seen: set[str] = set()
    for path in paths:
        try:
            is_folder = path.is_dir()
            files = sorted(disk.listing(path)) if is_folder else [str(path)]
        except OSError as error:
            says = f"cannot be listed ({error.strerror}): {disk.remedy(error)}"
            problems.append(Problem(str(path), 1, "", says))
            continue
        if is_folder:
            listed[path] = files
        if is_folder and all(Path(file).name in BESIDE for file in files):
            problems.append(Problem(str(path), 1, "", "has no description of a site: their names end in .yaml"))
        fresh = [file for file in files if os.path.realpath(file) not in seen]
        seen.update(os.path.realpath(file) for file in fresh)
        wanted.setdefault(path if is_folder else path.parent, []).extend(fresh)
    found = combined(_folder(folder, files, listed.get(folder)) for folder, files in wanted.items())
    return replace(found, problems=tuple(sorted({*problems, *found.problems})))


def _folder(folder: Path, files: Sequence[str], listed: Sequence[str] | None) -> Catalogue:
    """What these files describe, with what stands beside them. `listed`: all files of the folder, None where it was not asked.

    Of a folder that is read in part it cannot be said which sites there are not.
    """
    contents = {file: disk.read(file)[0] for file in {*files, *disk.beside(folder)}}
    return Reader().catalogue(contents, {}, whole=listed is not None and contents.keys() >= set(listed))


def secrets(found: Catalogue, environ: Mapping[str, str]) -> tuple[Problem, ...]:
    """Notes on the secrets of all sites that this process cannot have; another account perhaps can."""
    return tuple(replace(problem, note=True) for file in found.sites for problem in unusable(found, file, environ))


def unusable(found: Catalogue, file: str, environ: Mapping[str, str]) -> Iterator[Problem]:
    """The secrets of the site in a file that this process cannot have. The site is as the file says now."""
    for path, reference in references(found.sites[file]):
        try:
            reference.read(environ)
        except SecretUnusable as error:
            mend = "Set the variable" if reference.env else "Correct the file"
            says = f"{error} {mend}, or run this as the provisioner's account."
            yield found.places[file].problem(path, says)
