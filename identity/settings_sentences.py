"""From what pydantic finds in a file of settings to sentences that its writer can act on. Pure.

No sentence repeats a value, which may be a secret; only names of keys are repeated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from identity.model_keys import Path, keys, nearest, tags, written

MOST = 10
"""Faults that are told one by one."""
_ORDER = {"extra_forbidden": 0, "missing": 2}
"""A key that is not known may be why another one is missing, and is told first; all else is between them."""
_TEXT = 'must be a text: "…"'
_WHOLE = "must be a whole number"
_NUMBER = "must be a number"
_TRUTH = "must be true or false"
_TABLE = "must be a table: a section with keys of its own"
_ADDRESS = "must be an http or https address"
_SENTENCES = {
    "missing": "is required",
    "string_type": _TEXT,
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "path_type": 'must be a path: "…"',
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "must be a finite number",
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "tuple_type": "must be a list: […]",
    "too_short": "must have {min_length} or more entries",
    "dict_type": _TABLE,
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "literal_error": "must be {expected}",
    "union_tag_not_found": "must say which {discriminator} it is: {choices}",
    "union_tag_invalid": "must have as {discriminator} one of {choices}",
    "ip_v4_address": "must be an IPv4 address",
    "url_type": _ADDRESS,
    "url_parsing": _ADDRESS,
    "url_scheme": _ADDRESS,
    "url_syntax_violation": _ADDRESS,
    "url_too_long": "must have at most {max_length} characters",
    "value_error": "{error}",
}


def sentences(error: ValidationError, model: type[BaseModel]) -> Sequence[str]:
    """`KEY: what to do` for what is wrong with settings of the kind `model`; beyond MOST faults, how many more there are."""
    found = sorted(_faults(error), key=lambda each: _ORDER.get(each["type"], 1))
    said = [_sentence(each, model) for each in found[:MOST]]
    return [*said, f"and {len(found) - MOST} more things are wrong."] if len(found) > MOST else said


def _faults(error: ValidationError) -> Sequence[ErrorDetails]:
    """All but lists that are too short for pydantic because their entries are wrong."""
    found = error.errors(include_url=False, include_input=False)
    above = {each["loc"][:number] for each in found for number in range(len(each["loc"]))}
    return [each for each in found if each["type"] != "too_short" or each["loc"] not in above]


def _sentence(found: ErrorDetails, model: type[BaseModel]) -> str:
    path, kind = found["loc"], found["type"]
    if kind == "extra_forbidden":
        # Not through `written` whole: it may be called as a member of a union is.
        key = _dotted((*written(model, path[:-1]), path[-1]))
        return f"{key}: there is no such key; {_instead(str(path[-1]), keys(model, path[:-1]))}"
    facts = {name: _plain(fact) for name, fact in found.get("ctx", {}).items()}
    facts["choices"] = " or ".join(tags(model, path))
    says = _SENTENCES.get(kind, "cannot be used: docs/reference/settings.md says what it is").format_map(facts)
    return f"{_dotted(written(model, path))}: {says}."


def _plain(fact: object) -> object:
    return int(fact) if isinstance(fact, float) and fact.is_integer() else fact


def _instead(key: str, known: Sequence[str]) -> str:
    meant = nearest(key, known)
    return f"do you mean `{meant}`?" if meant else f"there are {', '.join(known)}."


def _dotted(path: Path) -> str:
    """A path as TOML has it, tables of a list by their number."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{_quoted(part)}" for part in path]
    return "".join(parts).removeprefix(".")


def _quoted(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
