"""Values of ClassAds as plain Python values."""

from __future__ import annotations

import classad2


def plain(value: object) -> object:
    """An attribute's value, evaluated: str, int, float, bool, a list of these, or None for undefined and error."""
    if isinstance(value, classad2.ExprTree):
        value = value.eval()
    if isinstance(value, classad2.Value):  # undefined or error
        return None
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
