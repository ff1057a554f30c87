"""Text that is safe and short enough for a terminal, and times as a person writes them."""

from __future__ import annotations

import time
import unicodedata


def printable(text: str) -> str:
    """Return the text with line ends, escapes and other control characters written out, as `\\n`."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def width_of(text: str) -> int:
    """Return how many columns of a terminal the (printable) text takes."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clipped(text: str, width: int) -> str:
    """Return the text in at most `width` (>= 1) columns; what is cut off shows as an ellipsis."""
    if width_of(text) <= width:
        return text
    kept, used = [], 1
    for character in text:
        used += _columns(character)
        if used > width:
            break
        kept.append(character)
    return "".join(kept) + "…"


def local_time(epoch: float, layout: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Return epoch seconds as a time in the reader's own zone."""
    return time.strftime(layout, time.localtime(epoch))


def duration(seconds: float | None) -> str:
    """Return a time span as `HH:MM:SS`, or `D-HH:MM:SS` from a day on; `-` for None."""
    if seconds is None:
        return "-"
    rest, second = divmod(int(seconds), 60)
    rest, minute = divmod(rest, 60)
    days, hour = divmod(rest, 24)
    clock = f"{hour:02}:{minute:02}:{second:02}"
    return f"{days}-{clock}" if days else clock
