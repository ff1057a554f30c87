"""From what pydantic found to one sentence that the writer of a document can act on.

The first problem is reported. An unknown field goes before all others: where a name is mistyped, the field
that then seems to be missing is not what needs to be said.
"""

from collections.abc import Sized
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from api.documents.base import RULE, Document
from api.documents.errors import InvalidDocument
from api.documents.wording import kind, path, shown

_TEMPLATES = {
    "string_type": "must be a string, not {kind}",
    "int_type": "must be an integer, not {shown}",
    "bool_type": "must be true or false, not {kind}",
    "tuple_type": "must be a list, not {kind}",
    "dict_type": "must be an object, not {kind}",
    "model_type": "must be an object, not {kind}",
    "greater_than_equal": "must be at least {ge}, not {shown}",
    "less_than_equal": "must be at most {le}, not {shown}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters, not {length}",
    "too_short": "must have at least {min_length} entry, but is empty",
    "too_long": "must have at most {max_length} entries, not {length}",
    "literal_error": "must be {choices}, not {shown}",
}


def first_problem(error: ValidationError, root: type[Document]) -> InvalidDocument:
    """The problem to report, of those found when a document of type ``root`` was validated."""
    problems = error.errors(include_url=False)
    return _explain(min(problems, key=lambda problem: problem["type"] != "extra_forbidden"), root)


def _explain(problem: ErrorDetails, root: type[Document]) -> InvalidDocument:
    place, facts = problem["loc"], problem.get("ctx", {})
    if len(place) > 1 and place[-1] == "[key]" and place[-2] == problem["input"]:
        place = place[:-1]  # about the key of a mapping, which the path already names
    if problem["type"] == RULE:
        place, text = place + facts["at"], facts["says"]
    elif problem["type"] == "missing":
        text = f"is required: {_description(root, place)}"
    elif problem["type"] == "extra_forbidden":
        parent = place[:-1]
        text = f"is not a known field: {path(parent) or 'the body'} may have {_fields(root, parent)}"
    else:
        text = _fill(problem, facts)
    field = path(place)
    return InvalidDocument(field, f"{field or 'the body'} {text}")


def _fill(problem: ErrorDetails, facts: dict[str, Any]) -> str:
    value = problem["input"]
    template = _TEMPLATES.get(problem["type"])
    if template is None:
        return f"is not valid: {problem['msg']}"
    return template.format(
        kind=kind(value),
        shown=shown(value),
        length=len(value) if isinstance(value, Sized) else 0,
        choices=facts.get("expected", "").replace("None", "null"),
        **facts,
    )


def _description(root: type[Document], place: tuple[int | str, ...]) -> str:
    model = _model_at(root, place[:-1])
    text = next(field.description or "" for field in model.model_fields.values() if field.alias == place[-1])
    return text[:1].lower() + text[1:].removesuffix(".")


def _fields(root: type[Document], place: tuple[int | str, ...]) -> str:
    return ", ".join(str(field.alias) for field in _model_at(root, place).model_fields.values())


def _model_at(root: type[Document], place: tuple[int | str, ...]) -> type[Document]:
    """The model of the object at this place, which the validation reached, so it exists."""
    model = root
    for name in place:
        if isinstance(name, str):
            model = next(
                found
                for field in model.model_fields.values()
                if field.alias == name and (found := _model_in(field.annotation)) is not None
            )
    return model


def _model_in(annotation: Any) -> type[Document] | None:
    """The document type in an annotation such as ``tuple[Task, ...]`` or ``Storage | None``."""
    if isinstance(annotation, type) and issubclass(annotation, Document):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)
