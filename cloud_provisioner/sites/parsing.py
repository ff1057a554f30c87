"""From the tree of a description to a site, checked by the schema of its driver. Pure.

Whatever is wrong is found in one pass, so that its writer can mend all of it at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from cloud_provisioner import drivers
from cloud_provisioner.sites import leaks, sentences
from cloud_provisioner.sites.base import ANY_VO, Site, VoName
from cloud_provisioner.sites.problem import NOWHERE, Places, Problem
from cloud_provisioner.sites.text import Text, Tree
from identity.model_keys import nearest

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Parsed:
    """What a file says: a site where it is neither refused nor says that there is none; and what there is to say of it.

    `line` is the one that names the site, `places` are those of the site's keys.
    """

    site: Site | None
    problems: tuple[Problem, ...]
    refused: bool
    line: int = 1
    places: Places = NOWHERE


def parsed(site: Site | None, problems: Iterable[Problem], line: int = 1, places: Places = NOWHERE) -> Parsed:
    """What a file says, which is refused where a problem is more than a note."""
    found = tuple(sorted(set(problems)))
    refused = any(not problem.note for problem in found)
    return Parsed(None if refused else site, found, refused, line, places)


def native(text: Text) -> Parsed:
    """The site that a file in our own format describes."""
    driver, found = _driver(text.tree, text.places)
    model, tree = (drivers.description(driver), {**text.tree, "driver": driver}) if driver else (_AnySite, text.tree)
    made, more = validated(model, tree, text.places)
    leaked = leaks.problems(text.tree, text.places)
    return parsed(made, [*text.problems, *found, *more, *leaked], text.places.of(("name",)).line, text.places)


def validated(model: type[Model], tree: Tree, places: Places) -> tuple[Model | None, list[Problem]]:
    """The tree as a model, or None and what is wrong."""
    try:
        return model.model_validate(tree), []
    except ValidationError as error:
        return None, list(sentences.problems(error, model, places))


def _driver(tree: Tree, places: Places) -> tuple[str, list[Problem]]:
    """The driver that a tree names, or the nearest one; empty where neither is known."""
    driver: Any = tree.get("driver")
    known = drivers.names()
    if not isinstance(driver, str) or driver in known:
        return driver if isinstance(driver, str) else "", []
    meant = nearest(driver, known)
    says = f"did you mean `{meant}`?" if meant else f"use {' or '.join(known)}"
    return meant or "", [places.problem(("driver",), f"is no driver: {says}")]


class _AnySite(Site, extra="ignore"):
    """What can be checked of a site whose driver is not known."""

    vos: Mapping[VoName, Any] = Field(default_factory=lambda: {ANY_VO: None})
