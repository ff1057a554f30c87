"""Values of command line options: from the text a user types to what the API wants, or a sentence why not.

Each function is an argparse `type`: it raises argparse.ArgumentTypeError.
"""

from __future__ import annotations

import re
from argparse import ArgumentTypeError

MINUTES = {"": 1, "m": 1, "h": 60, "d": 24 * 60}
"""Minutes in each unit that a time may end with."""


def minutes(text: str) -> int:
    """Read a time such as `90`, `90m`, `2h` or `1d`, as whole minutes, at least 1."""
    match = re.fullmatch(r"([0-9]{1,9})([mhd]?)", text)
    if match is None or int(match[1]) == 0:
        raise ArgumentTypeError(f"{text!r} is no time: give minutes (90), or a number and m, h or d (90m, 2h, 1d)")
    return int(match[1]) * MINUTES[match[2]]


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    number = natural(text)
    if number == 0:
        raise ArgumentTypeError("0 is too small: give a whole number of at least 1")
    return number


def natural(text: str) -> int:
    """Read a whole number of at least 0."""
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def gigabytes(text: str) -> int | float:
    """Read a size in GB, which may have decimals, above 0."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) or float(text) == 0:
        raise ArgumentTypeError(f"{text!r} is no size: give GB as a number above 0, such as 4 or 0.5")
    size = float(text)
    return int(size) if size.is_integer() else size


def seconds(text: str) -> float:
    """Read a duration in seconds, which may have decimals."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        raise ArgumentTypeError(f"{text!r} is no number of seconds")
    return float(text)


def pair(text: str) -> tuple[str, str]:
    """Read `name=value`; the value may be empty and hold further equals signs."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ArgumentTypeError(f"{text!r} is not of the form name=value")
    return name, value


def label(text: str) -> str:
    """Read a label `key=value` to look for, and return it as it stands."""
    if not pair(text)[1]:
        raise ArgumentTypeError(f"{text!r} has no value: give key=value")
    return text
