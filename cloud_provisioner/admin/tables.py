"""Tables and times for a terminal. Pure."""

from __future__ import annotations

import time
from collections.abc import Sequence

from cloud_provisioner.planning.reasons import duration

_GAP = "  "


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> list[str]:
    """A header and a line for each row, in columns as wide as their content; those of `right` stand at their right edge."""
    lines = [list(headers), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(headers))]
    return [
        _GAP.join(
            cell.rjust(width) if header in right else cell.ljust(width)
            for cell, width, header in zip(line, widths, headers, strict=True)
        ).rstrip()
        for line in lines
    ]


def printable(text: str) -> str:
    """The text with line ends, escapes and other control characters written out: much of it comes from clouds."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def moment(seconds: float, now: float) -> str:
    """A time, epoch seconds, in the reader's zone, and how long ago it was: "2026-11-23 19:51 (4 min)"."""
    return f"{time.strftime('%Y-%m-%d %H:%M', time.localtime(seconds))} ({duration(max(0.0, now - seconds))})"


def share(used: float, limit: float | None) -> str:
    """What is used of a limit: "12/64"; without a limit "12"."""
    return f"{used:g}" if limit is None else f"{used:g}/{limit:g}"


def gigabytes(megabytes: float) -> float:
    """GB, to a tenth; less than one to a hundredth."""
    return round(megabytes / 1024, 1 if megabytes >= 1024 else 2)


def counted(number: int, what: str) -> str:
    """ "1 job", "2 jobs"."""
    return f"{number} {what}{'' if number == 1 else 's'}"
