"""Every key of a site's description is documented, with its default, and the examples in the guide are valid."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cloud_provisioner import drivers
from cloud_provisioner.cli import main
from cloud_provisioner.sites.base import Section, Site
from cloud_provisioner.sites.companions import EgiDefaults
from cloud_provisioner.sites.secrets import SecretReference
from tests.unit.docs.reference import ROOT, code, compare, headings, names, rows

FILE = "sites.md"
GUIDE = ROOT / "docs" / "sites.md"


def _inner(annotation: Any, between: str = "") -> Iterator[tuple[type[BaseModel], str]]:
    """The models in an annotation, each with what stands between a key and theirs: `.<key>` in a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, between
    mapped = isinstance(get_origin(annotation), type) and "Mapping" in get_origin(annotation).__name__
    for inner in get_args(annotation):
        yield from _inner(inner, ".<key>" if mapped else between)


def keys(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key below a model; those of a secret, which are the same everywhere, once for all."""
    for name, field in model.model_fields.items():
        yield before + name, field
        for inner, between in _inner(field.annotation):
            if inner is not SecretReference:
                yield from keys(inner, f"{before}{name}{between}.")


def default(field: FieldInfo) -> str:
    """The default as the documentation writes it."""
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "none"
    if isinstance(value, BaseModel) or (isinstance(value, dict) and value):
        return "see below"
    return json.dumps(value, default=str)


def own(driver: str) -> list[tuple[str, FieldInfo]]:
    """The keys of a driver's sites that not every site has, and those that mean more there."""
    common = dict(keys(Site))
    return [
        (name, field)
        for name, field in keys(drivers.description(driver))
        if name not in common or common[name].description != field.description
    ]


SECTIONS: dict[str, dict[str, FieldInfo]] = {
    "Keys of every site": dict(keys(Site)),
    **{f"Keys of {driver}": dict(own(driver)) for driver in drivers.names()},
    "Keys of egi-defaults.yaml": dict(keys(EgiDefaults)),
    "Keys of a secret": dict(keys(SecretReference)),
}


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_of_a_description_is_documented_with_its_default(heading: str) -> None:
    compare(f"{FILE}, {heading}", names(FILE, heading), SECTIONS[heading])
    for row in rows(FILE, heading):
        (name,) = code(row[0])
        assert row[2].replace("`", "") == default(SECTIONS[heading][name]), f"docs/reference/{FILE}: default of {name}"


def test_no_driver_is_documented_that_is_gone() -> None:
    compare(FILE, [heading for heading in headings(FILE) if heading.startswith("Keys of")], SECTIONS)


def test_every_model_says_what_its_keys_are_for() -> None:
    for fields in SECTIONS.values():
        for name, field in fields.items():
            assert field.description, f"{name} has no description, which sentences about a missing key need"
    assert all(issubclass(drivers.description(name), Section) for name in drivers.names())


def test_the_examples_in_the_guide_are_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    examples = re.findall(r"^`([a-z.-]+\.yaml)`:\n\n```yaml\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    for name, text in examples:
        (tmp_path / name).write_text(text)
    assert main(["sites", "validate", str(tmp_path)]) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert len(examples) >= 4
    assert said.count("\n") == sum("name:" in text.splitlines()[0] or "gocdb:" in text for _, text in examples)
