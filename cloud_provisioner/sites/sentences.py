"""From what pydantic finds in a description to sentences that its writer can act on, each with its line. Pure.

No sentence repeats a value, which may be a secret in the wrong place; only names of keys are repeated.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cloud_provisioner.errors import BrokenRule
from cloud_provisioner.sites.base import FORMS
from cloud_provisioner.sites.problem import Path, Places, Problem

_SENTENCES = {
    "string_type": "must be a text",
    "string_too_long": "must have at most {max_length} characters",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_parsing_size": "must be a whole number of a reasonable size",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list: a line `- value` for each entry",
    "dict_type": "must be `key: value` lines, indented below it",
    "mapping_type": "must be `key: value` lines, indented below it",
    "model_type": "must be `key: value` lines, indented below it",
    "model_attributes_type": "must be `key: value` lines, indented below it",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "union_tag_not_found": "must say which `type` it is: {choices}",
    "union_tag_invalid": "has a `type` that there is not: use one of {choices}",
}


def problems(error: ValidationError, model: type[BaseModel], places: Places) -> Iterator[Problem]:
    """All that was found when a description was validated as `model`."""
    for found in error.errors(include_url=False, include_input=False):
        yield _problem(found, model, places)


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The known key that was probably meant; None where none is near."""
    return next(iter(difflib.get_close_matches(key, list(known), n=1, cutoff=0.6)), None)


def unknown_key(key: str, known: Iterable[str]) -> str:
    """The sentence for a key that is not known."""
    known = list(known)
    meant = nearest(key, known)
    return f"is not a known key: did you mean `{meant}`?" if meant else f"is not a known key: use {', '.join(known)}"


def _problem(found: ErrorDetails, model: type[BaseModel], places: Places) -> Problem:
    parts, facts, kind = found["loc"], dict(found.get("ctx", {})), found["type"]
    if kind == "extra_forbidden":
        path = _written(model, parts[:-1])
        return places.problem((*path, parts[-1]), unknown_key(str(parts[-1]), _keys(model, parts[:-1])))
    if kind == "missing":
        path = (*_written(model, parts[:-1]), parts[-1])
        return places.problem(path, f"is missing: {_description(model, parts)}")
    path = _written(model, parts)
    if isinstance(broken := facts.get("error"), BrokenRule):
        return places.problem(path + broken.at, broken.says)
    if parts and parts[-1] == "[key]":
        return places.problem(path, f"as a key {FORMS.get(facts.get('pattern', ''), 'cannot be used')}")
    if kind == "string_pattern_mismatch":
        return places.problem(path, FORMS[facts["pattern"]])
    facts["choices"] = ", ".join(_tags(model, parts))
    return places.problem(path, _SENTENCES.get(kind, "cannot be used: see docs/reference/sites.md").format_map(facts))


def _written(model: type[BaseModel], parts: tuple[str | int, ...]) -> Path:
    """The path that the writer sees, without what pydantic adds: the names of members of a union, and the mark of keys."""
    return tuple(
        part for number, part in enumerate(parts) if part != "[key]" and not _tagged(_at(model, parts[:number]), part)
    )


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _tag(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("type")
    return get_args(field.annotation)[0] if field and get_origin(field.annotation) is Literal else None


def _tagged(models: tuple[type[BaseModel], ...], part: str | int) -> tuple[type[BaseModel], ...]:
    """The member of a union that a part of a path stands for; none where it is a key."""
    return tuple(one for one in models if _tag(one) == part) if len(models) > 1 else ()


def _at(model: type[BaseModel], parts: tuple[str | int, ...]) -> tuple[type[BaseModel], ...]:
    """The models that the mapping at a place may follow."""
    here: tuple[type[BaseModel], ...] = (model,)
    for part in parts:
        if tagged := _tagged(here, part):
            here = tagged
            continue
        fields = [one.model_fields[part] for one in here if isinstance(part, str) and part in one.model_fields]
        if fields:
            here = tuple(inner for field in fields for inner in _models(field.annotation))
    return here


def _keys(model: type[BaseModel], parts: tuple[str | int, ...]) -> list[str]:
    return list(dict.fromkeys(name for one in _at(model, parts) for name in one.model_fields))


def _tags(model: type[BaseModel], parts: tuple[str | int, ...]) -> list[str]:
    return [tag for one in _at(model, parts) if (tag := _tag(one)) is not None]


def _description(model: type[BaseModel], parts: tuple[str | int, ...]) -> str:
    for one in _at(model, parts[:-1]):
        field = one.model_fields.get(str(parts[-1]))
        if field is not None and field.description:
            return field.description
    return "add it"
