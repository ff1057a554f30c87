"""The reference documentation as data: the tables below each heading, compared with what is there."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"

Row = tuple[str, ...]


@cache
def _sections(file: str) -> dict[str, list[Row]]:
    """Heading -> the rows of the one table below it. Code blocks are passed over."""
    found: dict[str, list[Row]] = {}
    heading, code = "", False
    for line in (REFERENCE / file).read_text().splitlines():
        code ^= line.startswith("```")
        if not code and line.startswith("#"):
            heading = line.lstrip("#").strip().replace("`", "")
            assert heading not in found, f"{file} has the heading {heading!r} twice"
            found[heading] = []
        elif not code and line.startswith("|"):
            found[heading].append(_cells(line))
    return {heading: table[2:] for heading, table in found.items()}


def _cells(line: str) -> Row:
    return tuple(cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1])


def headings(file: str) -> list[str]:
    """The headings of a file, without backticks."""
    return list(_sections(file))


def rows(file: str, heading: str) -> list[Row]:
    """The rows below a heading; each says something in each of its cells."""
    sections = _sections(file)
    assert heading in sections, f"docs/reference/{file} has no heading {heading!r}"
    found = sections[heading]
    for row in found:
        assert all(row), f"docs/reference/{file}, {heading}: a cell of the row {row[0]} is empty"
        assert len(row) == len(found[0]), f"docs/reference/{file}, {heading}: the row {row[0]} lacks a cell"
    return found


def code(cell: str) -> list[str]:
    """The texts in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def names(file: str, heading: str) -> list[str]:
    """What the rows below a heading are about: the texts in backticks in their first cells."""
    found = [name for row in rows(file, heading) for name in code(row[0])]
    assert found, f"docs/reference/{file}, {heading}: there is no table of names in backticks"
    return found


def compare(place: str, documented: Collection[str], there: Collection[str]) -> None:
    """Fails with the names that are not documented, that are gone, or that are documented twice."""
    missing = sorted(set(there) - set(documented))
    gone = sorted(set(documented) - set(there))
    twice = sorted(name for name, count in Counter(documented).items() if count > 1)
    assert there, f"{place}: nothing was found to document; has it moved?"
    assert not missing, f"docs/reference/{place} does not say what these are: {', '.join(missing)}"
    assert not gone, f"docs/reference/{place} documents what is not there: {', '.join(gone)}"
    assert not twice, f"docs/reference/{place} documents twice: {', '.join(twice)}"


def modules(package: str) -> Iterator[ModuleType]:
    """The modules of a package, the package itself among them; those that act when they are imported are left out."""
    top = importlib.import_module(package)
    yield top
    for found in pkgutil.walk_packages(top.__path__, f"{package}."):
        if not {"__main__", "migrations"} & set(found.name.split(".")):
            yield importlib.import_module(found.name)


def sources(*folders: str) -> Iterator[Path]:
    """The Python files of packages."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))
