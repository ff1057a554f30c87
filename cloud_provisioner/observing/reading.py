"""Ads are written by others, who may write anything: numbers and texts that can be worked with, whatever stands there. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from cloud_provisioner.amounts import Amount

Ad = Mapping[str, Any]

_MB = 1024
"""KB in a MB: HTCondor counts disk in KB."""
_LARGEST = 1 << 40
"""More than any amount (a PB in KB) or time (in seconds) that there is, and few enough digits for all that reckon with it."""
_NAMED = 3
_LONGEST = 80
_T = TypeVar("_T")


def number(ad: Ad, attribute: str, default: int = 0, least: int = 0) -> int:
    """A number from `least` on; the default where there is none that is finite."""
    value = ad.get(attribute)
    if not isinstance(value, (int, float)) or (isinstance(value, float) and not math.isfinite(value)):
        return default
    return int(min(max(value, least), _LARGEST))


def amount(ad: Ad, before: str = "") -> Amount:
    """What a slot has of everything: what is free in it, or what the attributes say that have this before their names."""
    disk = number(ad, f"{before}Disk") // _MB
    return Amount(number(ad, f"{before}Cpus"), number(ad, f"{before}Memory"), disk)


def text(ad: Ad, attribute: str) -> str:
    """A text; empty where there is none."""
    value = ad.get(attribute)
    return value if isinstance(value, str) else ""


def each(ads: Iterable[Ad], read: Callable[[Ad], _T], name: str) -> tuple[list[_T], list[str]]:
    """What is read of each ad, and what those that cannot be read are called by an attribute: one must not hide the others."""
    found, odd = [], []
    for ad in ads:
        try:
            found.append(read(ad))
        except Exception:  # noqa: BLE001  (whatever an ad says, it says nothing of the others)
            odd.append(str(ad.get(name))[:_LONGEST])
    return found, odd


def left_out(odd: Iterable[str]) -> list[str]:
    """A sentence about ads that cannot be read, where there are some; it names the first."""
    names = sorted(odd)
    if not names:
        return []
    some = ", ".join(map(repr, names[:_NAMED])) + (", ..." if len(names) > _NAMED else "")
    return [f"{len(names)} of the ads cannot be read and are left out ({some})"]
