"""What a message says, as data: made when a job or workflow is recorded, written out when it is sent. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LONGEST_TEXT = 1000
"""Characters of a text in a message."""

Shown = Mapping[str, Any]
"""A job or a workflow as lists of the API show it."""


def row(shown: Shown, submission: str, address: str, now: float) -> dict[str, Any]:
    """The row of the table `messages` for a job or workflow that was recorded at `now`, epoch seconds."""
    kind = "workflow" if "progress" in shown else "job"
    facts = {
        "id": shown["id"],
        "name": line(shown["name"]),
        "status": str(shown["status"]),
        "reason": line(shown.get("statusReason", "")),
        "events": shown["events"],
        "progress": shown.get("progress"),
    }
    return {
        "submission": submission,
        "kind": kind,
        "recipient": address,
        "facts": json.dumps(facts),
        "state": "queued",
        "attempts": 0,
        "doubts": 0,
        "created": now,
        "due": now,
    }


def line(text: object) -> str:
    """Any text as one line of printable characters: names and reasons may hold anything, and a worker writes reasons."""
    whole = " ".join(str(text).split())
    printable = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in whole)
    return printable if len(printable) <= LONGEST_TEXT else printable[: LONGEST_TEXT - 1] + "…"
