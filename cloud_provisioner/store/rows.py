"""Servers' records as rows. Pure; what was written comes back as it was."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cloud_provisioner.amounts import Amount
from cloud_provisioner.errors import StoreUnreadable
from cloud_provisioner.servers.record import Binding, Intent, Purpose
from cloud_provisioner.servers.states import State

_NEVER = -math.inf
_PARTS = ("cpus", "memory", "disk")


def row_of(intent: Intent) -> dict[str, Any]:
    """The row of a record, by column."""
    return {
        "uuid": intent.uuid,
        "site": intent.site,
        "flavor": intent.flavor,
        **{f"size_{part}": value for part, value in zip(_PARTS, intent.size, strict=True)},
        **{f"room_{part}": value for part, value in zip(_PARTS, intent.room, strict=True)},
        "made_at": intent.made_at,
        "since": intent.since,
        "bound_user": intent.binding.user,
        "bound_vo": intent.binding.vo,
        "purpose": intent.purpose.value,
        "preemptible": intent.preemptible,
        "state": intent.state.value,
        "cloud_id": intent.cloud_id,
        "asked_at": None if intent.asked_at == _NEVER else intent.asked_at,
        "absent": intent.absent,
        "absent_since": intent.absent_since,
        "idle_since": intent.idle_since,
        "unwanted": intent.unwanted,
    }


def intent_of(row: Mapping[str, Any]) -> Intent:
    """The record in a row. StoreUnreadable: to leave a record out would be to forget its server."""
    try:
        purpose, state = Purpose(row["purpose"]), State(row["state"])
    except ValueError as error:
        raise StoreUnreadable(f"the record of the server {row['uuid']}", str(error)) from error
    return Intent(
        row["uuid"],
        row["site"],
        row["flavor"],
        Amount(*(row[f"size_{part}"] for part in _PARTS)),
        Amount(*(row[f"room_{part}"] for part in _PARTS)),
        row["made_at"],
        row["since"],
        Binding(row["bound_user"], row["bound_vo"]),
        purpose,
        row["preemptible"],
        state,
        row["cloud_id"],
        _NEVER if row["asked_at"] is None else row["asked_at"],
        row["absent"],
        row["absent_since"],
        row["idle_since"],
        row["unwanted"],
    )
