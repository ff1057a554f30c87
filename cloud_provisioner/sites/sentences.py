"""From what pydantic finds in a description to sentences that its writer can act on, each with its line. Pure.

No sentence repeats a value, which may be a secret in the wrong place; only names of keys are repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cloud_provisioner.errors import BrokenRule
from cloud_provisioner.sites.base import FORMS
from cloud_provisioner.sites.problem import Places, Problem
from identity.model_keys import field, keys, nearest, tags, written

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


def unknown_key(key: str, known: Iterable[str]) -> str:
    """The sentence for a key that is not known."""
    known = list(known)
    meant = nearest(key, known)
    return f"is not a known key: did you mean `{meant}`?" if meant else f"is not a known key: use {', '.join(known)}"


def _problem(found: ErrorDetails, model: type[BaseModel], places: Places) -> Problem:
    parts, facts, kind = found["loc"], dict(found.get("ctx", {})), found["type"]
    if kind == "extra_forbidden":
        path = written(model, parts[:-1])
        return places.problem((*path, parts[-1]), unknown_key(str(parts[-1]), keys(model, parts[:-1])))
    if kind == "missing":
        path = (*written(model, parts[:-1]), parts[-1])
        return places.problem(path, f"is missing: {_description(model, parts)}")
    path = written(model, parts)
    if isinstance(broken := facts.get("error"), BrokenRule):
        return places.problem(path + broken.at, broken.says)
    if parts and parts[-1] == "[key]":
        return places.problem(path, f"as a key {FORMS.get(facts.get('pattern', ''), 'cannot be used')}")
    if kind == "string_pattern_mismatch":
        return places.problem(path, FORMS[facts["pattern"]])
    facts["choices"] = ", ".join(tags(model, parts))
    return places.problem(path, _SENTENCES.get(kind, "cannot be used: see docs/reference/sites.md").format_map(facts))


def _description(model: type[BaseModel], parts: tuple[str | int, ...]) -> str:
    found = field(model, parts)
    return found.description if found is not None and found.description else "add it"
