"""A workflow as the API shows it: the document of the contract. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from api.jobs.view import DESCRIBED, times
from pool.attributes import Job
from pool.dagman import JOBS, PROGRESS, Progress
from pool.state import State

SHOWN = (*DESCRIBED, Job.INSTANCES, Job.LABELS, *PROGRESS, *JOBS)
"""Attributes of its ad that a workflow is made of."""


def workflow(ad: Mapping[str, Any], now: State, progress: Progress) -> dict[str, object]:
    """The workflow of an ad (SHOWN), in a list."""
    outline = json.loads(ad[Job.DOCUMENT])
    shown: dict[str, object] = {"id": int(ad["ClusterId"]), "name": outline.get("name", ""), "status": str(now.status)}
    if now.reason:
        shown["statusReason"] = now.reason
    counts = {name: getattr(progress, name) for name in ("total", "done", "failed", "queued", "waiting")}
    return shown | {"events": times(ad, now.status), "progress": counts}


def described(shown: Mapping[str, object], document: Mapping[str, Any] | None) -> dict[str, object]:
    """The workflow with the fields of the request, where they are kept."""
    return {**(document or {}), **shown}
