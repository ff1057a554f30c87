"""Secrets that were written into a description by mistake: tokens and keys are known by their looks. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cloud_provisioner.sites.problem import Path, Places, Problem

_SECRET = re.compile(
    r"-----BEGIN |(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.|://[^/@\s:]*:[^/@\s]+@"
)  # PEM; JSON Web Token; a password in an address
_REMEDY = (
    "holds what looks like a secret: take it out, put it into a file (0600), and change it, since it was readable here"
)


def problems(tree: Any, places: Places, path: Path = ()) -> Iterator[Problem]:
    """One for each text that looks like a secret, which is not repeated. The tree is as `text` makes it."""
    if isinstance(tree, str):
        if _SECRET.search(tree):
            yield places.problem(path, _REMEDY)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from problems(value, places, (*path, key))
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield from problems(value, places, (*path, number))
