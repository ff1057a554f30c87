"""Ads of finished jobs, and the files in which a schedd leaves them."""

from __future__ import annotations

import itertools
import json
import uuid
from pathlib import Path
from typing import Any

Ad = dict[str, Any]

EPOCH = 1_700_000_000
_numbers = itertools.count(1)


def finished_ad(**changes: Any) -> Ad:
    """The attributes of a finished job: another job with each call, which ended after the one before."""
    number = next(_numbers)
    document = {"name": "", "resources": {"cpus": 1, "memory": 1}, "tasks": [{"image": "busybox", "cmd": 'a "b" \\c'}]}
    return {
        "ClusterId": number,
        "ProcId": 0,
        "QDate": EPOCH,
        "JobStatus": 4,
        "ExitCode": 0,
        "CompletionDate": EPOCH + 100 + number,
        "JobCurrentStartExecutingDate": EPOCH + 50,
        "Owner": "alice",
        "User": "alice@prominence",
        "RequestCpus": 1,
        "MaxHosts": 1,
        "RemoteWallClockTime": 50.0,
        "RemoteUserCpu": 20.0,
        "RemoteSysCpu": 5.0,
        "ProminenceUser": "alice",
        "ProminenceIssuer": "https://issuer",
        "ProminenceGroup": "vo",
        "ProminenceSubmission": uuid.uuid4().hex,
        "ProminenceJob": json.dumps(document),
        **changes,
    }


def as_file(ad: Ad) -> str:
    """The ad as a schedd writes it: attributes in alphabetical order, strings with escaped quotes alone."""
    return "".join(f"{name} = {_literal(ad[name])}\n" for name in sorted(ad))


def leave(folder: Path, ad: Ad) -> str:
    """Leaves the file of a job in a folder, as the schedd does; its name."""
    name = f"history.{ad['ClusterId']}.{ad['ProcId']}"
    temporary = folder / f".{name}.tmp"
    temporary.write_text(as_file(ad))
    temporary.rename(folder / name)
    return name


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "{ " + ", ".join(map(_literal, value)) + " }"
    return "undefined" if value is None else str(value)
