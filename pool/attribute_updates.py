"""Changes of a job's attributes, as they stand in its event log: HTCondor's own reader loses values that have blanks in them.

The log has one where the attribute was set with HTCondor's flag ShouldLog, which is how the provisioner says why a job waits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

LARGEST = 16 * 2**20
"""Bytes of a log that are looked at."""

_STRING = rb'"(?:[^"\\\n]|\\[^\n])*"'
_EVENT = re.compile(
    rb"^033 \([0-9.]+\) (?P<time>[0-9-]+[ T][0-9:.]+Z?) (?:Changing|Setting) job attribute (?P<name>[A-Za-z0-9_]+) "
    rb"(?:from (?:" + _STRING + rb"|[^ \"\n]*) )?to (?P<value>[^\n]*)$|^033 ",
    re.MULTILINE,
)
_ESCAPED = re.compile(rb"\\(.)")


class Update(NamedTuple):
    """One change: when, as the log has it, and to which text; `value` is None for what is no string."""

    time: str
    name: str
    value: str | None


def updates(descriptor: int) -> Iterator[Update | None]:
    """The changes in an open log, the earliest first; None for one that cannot be understood."""
    for found in _EVENT.finditer(os.pread(descriptor, LARGEST, 0)):
        if found["name"] is None:
            yield None
        else:
            yield Update(found["time"].decode(), found["name"].decode(), _text(found["value"]))


def facts(update: Update | None) -> dict[str, Any]:
    """The same as HTCondor's reader would have told it."""
    return {} if update is None else {"Attribute": update.name, "Value": update.value, "EventTime": update.time}


def _text(value: bytes) -> str | None:
    if not re.fullmatch(_STRING, value):
        return None
    return _ESCAPED.sub(rb"\1", value[1:-1]).decode("utf-8", "replace")
