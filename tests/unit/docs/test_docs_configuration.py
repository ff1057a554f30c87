"""Every knob of HTCondor that is set here is documented, with its value, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.docs.reference import ROOT, code, compare, headings, names, rows

FILE = "configuration.md"
FILES = sorted((ROOT / "condor_config").glob("*.conf"))
_LINE = re.compile(r"(use feature|include|[A-Za-z_][A-Za-z0-9_.]*)\s*([=:])\s*(.*)")
LONG = 60
"""Characters from which on a value is not repeated in the documentation: it stands as "expression" there."""


def knobs(file: Path) -> dict[str, str]:
    """What a file sets, and the value."""
    found: dict[str, str] = {}
    for line in file.read_text().splitlines():
        match = _LINE.fullmatch(line.strip())
        assert match or not line.strip() or line.startswith("#"), f"{file.name}: {line!r} is no setting"
        if match:
            name, value = match[1] if match[2] == "=" else f"{match[1]} : {match[3]}", match[3].strip()
            # What takes several lines to say is not said again in the documentation.
            found[name] = f"$({name}) …" if name in found and value.startswith(f"$({name})") else value
    return found


def shown(value: str) -> str:
    """A value as the documentation writes it."""
    if not value:
        return "empty"
    return "expression" if len(value) > LONG else value


def test_every_file_is_documented() -> None:
    compare(FILE, [heading for heading in headings(FILE) if heading.endswith(".conf")], [file.name for file in FILES])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_knob_is_documented_with_its_value(file: Path) -> None:
    there = knobs(file)
    compare(f"{FILE}, {file.name}", names(FILE, file.name), there)
    for row in rows(FILE, file.name):
        for name in code(row[0]):
            if " : " not in name:
                assert row[1].replace("`", "") == shown(there[name]), f"docs/reference/{FILE}: the value of {name}"
