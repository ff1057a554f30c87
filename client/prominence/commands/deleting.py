"""Deleting several things at once: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prominence.console import Console
from prominence.errors import Forbidden, NoSuchJob, NoSuchWorkflow, Refused


@contextmanager
def all_or_none(ids: Sequence[int], console: Console) -> Iterator[None]:
    """Tells that nothing is deleted where the service refuses one of several."""
    try:
        yield
    except (Refused, Forbidden, NoSuchJob, NoSuchWorkflow):
        if len(ids) > 1:
            console.note(f"None of the {len(ids)} is deleted, as one of them cannot be:")
        raise
