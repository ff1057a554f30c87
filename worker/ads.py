"""Reads the job and machine ads that HTCondor leaves beside a job (old ClassAd syntax, one attribute a line).

Only literals are understood, strings, numbers and booleans; expressions are kept as their text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, Optional, Union

Value = Union[str, int, float, bool]
Ad = Dict[str, Value]
"""Attribute name in lower case (ClassAd names ignore case) -> value."""

_INTEGER = re.compile(r"[-+]?\d+\Z")
_REAL = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?\Z")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def parse(text: str) -> Ad:
    """The attributes of an ad; lines without an equals sign are passed over."""
    ad: Ad = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip():
            ad[name.strip().lower()] = _value(value.strip())
    return ad


def read(path: Optional[str]) -> Ad:
    """The ad in a file; empty without a path, so that the executor also runs outside of a pool."""
    return parse(Path(path).read_text(encoding="utf-8", errors="replace")) if path else {}


def string(ad: Ad, name: str) -> str:
    """An attribute as text, empty where the ad does not have it."""
    value = ad.get(name.lower(), "")
    return value if isinstance(value, str) else str(value)


def number(ad: Ad, name: str) -> float:
    """An attribute as a number, zero where the ad does not have one."""
    value = ad.get(name.lower(), 0)
    return 0 if isinstance(value, str) else value


def _value(text: str) -> Value:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return _ESCAPE.sub(lambda match: _ESCAPES.get(match.group(1), match.group(1)), text[1:-1])
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _REAL.match(text) else text
