"""Keys as the writer of a file knows them, for what pydantic finds in a model. Pure.

Pydantic's paths name members of unions as well, which stand in no file.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Path = tuple[str | int, ...]
Model = type[BaseModel]

_MARK = "[key]"
"""What pydantic adds to a path where the key itself is wrong."""


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The known key that was probably meant; None where none is near."""
    return next(iter(difflib.get_close_matches(key, list(known), n=1, cutoff=0.6)), None)


def written(model: Model, path: Path) -> Path:
    """The path that the writer sees, without what pydantic adds: the names of members of a union, and the mark of keys."""
    return tuple(
        part for number, part in enumerate(path) if part != _MARK and not _tagged(_at(model, path[:number]), part)
    )


def keys(model: Model, path: Path) -> list[str]:
    """The keys that the table at a path may have."""
    return list(dict.fromkeys(name for one in _at(model, path) for name in one.model_fields))


def tags(model: Model, path: Path) -> list[str]:
    """The kinds of which the table at a path may be."""
    return [tag for one in _at(model, path) if (tag := _tag(one)) is not None]


def field(model: Model, path: Path) -> FieldInfo | None:
    """What the model says of the key at a path."""
    found = (one.model_fields.get(str(path[-1])) for one in _at(model, path[:-1]))
    return next((each for each in found if each is not None), None)


def _models(annotation: Any) -> Iterator[Model]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _tag(model: Model) -> str | None:
    """The one word by which a member of a union is known."""
    for each in model.model_fields.values():
        if get_origin(each.annotation) is Literal and len(words := get_args(each.annotation)) == 1:
            return str(words[0])
    return None


def _tagged(models: tuple[Model, ...], part: str | int) -> tuple[Model, ...]:
    """The member of a union that a part of a path stands for; none where it is a key."""
    return tuple(one for one in models if _tag(one) == part) if len(models) > 1 else ()


def _at(model: Model, path: Path) -> tuple[Model, ...]:
    """The models that the table at a path may follow."""
    here: tuple[Model, ...] = (model,)
    for part in path:
        if tagged := _tagged(here, part):
            here = tagged
            continue
        fields = [one.model_fields[part] for one in here if isinstance(part, str) and part in one.model_fields]
        if fields:
            here = tuple(inner for each in fields for inner in _models(each.annotation))
    return here
