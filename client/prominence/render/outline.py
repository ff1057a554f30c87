"""One job as an outline of the kind YAML has: readable first, exact in `--json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from prominence.jobs import Document
from prominence.render.text import local_time

FIRST = ("id", "name", "status", "statusReason", "progress", "events", "labels", "resources", "tasks", "execution")
"""What people look for comes first; the rest follows in the service's order."""
TIMES = {"progress": ("since",), "checkpoint": ("lastSaved",)}
"""Parts of `execution` and which of their fields are times."""


def job_outline(job: Document) -> list[str]:
    """Return the lines that describe a job: times in the reader's zone, input files by their size."""
    ordered = {key: job[key] for key in FIRST if key in job}
    ordered.update((key, value) for key, value in job.items() if key not in ordered)
    if isinstance(job.get("events"), dict):
        ordered["events"] = _timed(job["events"], job["events"])
    if isinstance(job.get("execution"), dict):
        ordered["execution"] = {
            name: _timed(value, TIMES.get(name, ())) if isinstance(value, dict) else value
            for name, value in job["execution"].items()
        }
    if isinstance(job.get("inputs"), list):
        ordered["inputs"] = [_without_content(entry) for entry in job["inputs"]]
    return list(outline(ordered))


def _timed(fields: Document, times: Iterable[str]) -> Document:
    return {name: _time(value) if name in times else value for name, value in fields.items()}


def _time(value: Any) -> Any:
    return local_time(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _without_content(entry: Any) -> Any:
    content = entry.get("content") if isinstance(entry, dict) else None
    if not isinstance(content, str):
        return entry
    return {**entry, "content": f"({len(content) * 3 // 4 - content.count('=')} bytes)"}


def outline(value: Any, indent: str = "") -> Iterator[str]:
    """Yield the lines of any JSON value; scalars that could be misread are in JSON's quotes."""
    if isinstance(value, dict) and value:
        for key, entry in value.items():
            yield from _entry(f"{indent}{_scalar(key)}:", entry, indent + "  ")
    elif isinstance(value, list) and value:
        for entry in value:
            yield from _item(entry, indent)
    else:
        yield indent + _scalar(value)


def _entry(key: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, (dict, list)) and value:
        yield key
        yield from outline(value, indent)
    else:
        yield f"{key} {_scalar(value)}"


def _item(value: Any, indent: str) -> Iterator[str]:
    """A list's item: its first line carries the dash in place of the last two blanks of the indent."""
    lines = outline(value, indent + "  ")
    yield f"{indent}- {next(lines)[len(indent) + 2 :]}"
    yield from lines


PLAIN = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`][^\n]*(?<!\s)")
NOT_TEXT = re.compile(r"(?i)true|false|null|yes|no|on|off|~|[-+.0-9][-+.0-9_:e]*")


def _scalar(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    plain = PLAIN.fullmatch(value) and not NOT_TEXT.fullmatch(value)
    if plain and value.isprintable() and ": " not in value and " #" not in value and not value.endswith(":"):
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())
