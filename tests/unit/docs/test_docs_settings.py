"""Every setting and every environment variable is documented, with its default, and nothing else."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel, HttpUrl, SecretStr
from pydantic.fields import FieldInfo

from deploy.home import from_environment
from tests.unit.docs.reference import code, compare, modules, names, rows, sources

FILE = "settings.md"
OURS = ("api", "cloud_provisioner", "client/prominence", "deploy", "identity", "pool", "worker")
PLACES = (
    "Environment of deploy/quickstart",
    "Environment of the service",
    "Environment of the prominence command",
    "Environment that HTCondor gives the executor",
    "Environment of a job",
)
_VARIABLE = re.compile(r"(PROMINENCE|_CONDOR)_[A-Z_]+|CONDOR_CONFIG")


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def keys(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key below a model; one of a table in a list as `list[].key`, of a table as `table.key`."""
    for name, field in model.model_fields.items():
        yield before + name, field
        for inner in _models(field.annotation):
            listed = field.annotation is not inner and "tuple" in str(field.annotation)
            yield from keys(inner, f"{before}{name}{'[]' if listed else ''}.")


def default(field: FieldInfo) -> str:
    """The default as the documentation writes it."""
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "none"
    return "see below" if isinstance(value, BaseModel) else json.dumps(value, default=str)


def files() -> dict[str, type[BaseModel]]:
    """Module -> the model of the settings file that its `load` reads."""
    return {
        module.__name__: get_type_hints(module.load)["return"]
        for folder in ("api", "cloud_provisioner")
        for module in modules(folder)
        if module.__name__.endswith("settings") and hasattr(module, "load")
    }


@pytest.mark.parametrize(("module", "model"), files().items())
def test_every_key_of_a_settings_file_is_documented_with_its_default(module: str, model: type[BaseModel]) -> None:
    heading = f"Keys of {module}"
    fields = dict(keys(model))
    compare(f"{FILE}, {heading}", names(FILE, heading), list(fields))
    for row in rows(FILE, heading):
        (name,) = code(row[0])
        assert row[2].replace("`", "") == default(fields[name]), f"docs/reference/{FILE}: the default of {name}"


WORDS = {
    str: "text",
    SecretStr: "text",
    IPv4Address: "text",
    Path: "path",
    HttpUrl: "http or https address",
    int: "whole number",
    float: "number",
    bool: "true or false",
}


def said(annotation: Any) -> str:
    """How the documentation begins to say of what type a key is; empty where that is a choice of words."""
    kind, inner = get_origin(annotation), [each for each in get_args(annotation) if each not in (type(None), Ellipsis)]
    if kind is Literal:
        return ""
    if kind in (Union, UnionType, Annotated):
        return said(inner[0])
    if kind is tuple:
        listed = said(inner[0])
        return f"list of {'tables' if listed == 'table' else listed}"
    if kind is dict or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return "table"
    return WORDS[annotation]


@pytest.mark.parametrize(("module", "model"), files().items())
def test_every_key_of_a_settings_file_is_documented_with_its_type(module: str, model: type[BaseModel]) -> None:
    fields = dict(keys(model))
    for row in rows(FILE, f"Keys of {module}"):
        (name,) = code(row[0])
        wanted = said(fields[name].annotation)
        # Some texts are documented as what they must be.
        assert row[1].startswith(wanted) or (wanted == "text" and "address" in row[1]), f"{FILE}: {name} is {wanted}"


class Watched(dict[str, str]):
    """An environment that remembers what was asked for."""

    def __init__(self) -> None:
        super().__init__(HOME="/home/alice")
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


def read_by_quickstart() -> set[str]:
    environ = Watched()
    from_environment(environ)
    return environ.asked


def test_every_variable_that_quickstart_reads_is_documented() -> None:
    compare(f"{FILE}, {PLACES[0]}", names(FILE, PLACES[0]), read_by_quickstart())


def variables(file: Path) -> Iterator[str]:
    """The names of environment variables in a file: whole strings, and whatever the process's environment is asked for."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Constant(value=str(text)) if _VARIABLE.fullmatch(text):
                yield text
            case ast.Call(func=ast.Attribute(value=where, attr="get"), args=[ast.Constant(value=str(text)), *_]):
                if ast.unparse(where) in ("os.environ", "self.environ"):
                    yield text


def test_every_environment_variable_is_documented() -> None:
    there = read_by_quickstart() | {name for file in sources(*OURS) for name in variables(file)}
    documented = [name for place in PLACES for name in names(FILE, place)]
    compare(FILE, {re.sub("<.*>", "", name) for name in documented}, there)
