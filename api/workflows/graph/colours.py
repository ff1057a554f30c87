"""The colours of states, for all drawings; each state is also written out, for those who see colours otherwise."""

from __future__ import annotations

from typing import NamedTuple


class Colours(NamedTuple):
    """Of a box, and of its border."""

    fill: str
    line: str


COLOURS = {
    "waiting": Colours("#f3f4f6", "#9ca3af"),
    "queued": Colours("#fef3c7", "#d97706"),
    "running": Colours("#dbeafe", "#1d4ed8"),
    "done": Colours("#dcfce7", "#15803d"),
    "failed": Colours("#fee2e2", "#b91c1c"),
}
"""By state, in the order in which instances pass through them."""
THIN, THICK = 1, 3
"""Widths of borders: the thick one marks what runs."""
