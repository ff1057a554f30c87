"""The files of a workflow: its own folder, and one for each instance, with what a job is given and what it writes.

The folders of instances are there before DAGMan submits the first of them, since HTCondor writes an event log into them. All
instances of a job share one file with what they are told, by a link each.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from api.jobs import folder
from api.jobs.sandbox import JOB_FILE, TOKEN_FILE
from api.workflows import plan as plans
from api.workflows.plan import Plan
from pool.dagman import DAG_FILE

_PLAN = "plan.json"
_WHOLE = "workflow.json"
_SHOWN = "shown.json"
_LARGEST = 256 * 2**20
_KEPT_PLANS = 32


def fill(
    at: Path,
    plan: Plan,
    documents: tuple[Mapping[str, Any], Mapping[str, Any]],
    nodes: Sequence[tuple[str, Mapping[str, Any]]],
    dag: Iterable[str],
) -> None:
    """Writes the workflow's own folder, replacing what an earlier try left.

    `documents` are the workflow as it was submitted, and as it may be shown; `nodes` for each part the submit file of its
    instances, and what their executors are told; `dag` the lines of the DAG file.
    """
    at.mkdir(mode=0o700, exist_ok=True)
    whole, shown = documents
    folder.overwrite(at / _WHOLE, json.dumps(whole))
    folder.overwrite(at / _SHOWN, json.dumps(shown))
    for index, (submit, told) in enumerate(nodes):
        folder.overwrite(at / f"{index}.sub", submit)
        folder.overwrite(at / f"{index}.json", json.dumps(told))
    folder.overwrite(at / DAG_FILE, "".join(f"{line}\n" for line in dag))
    folder.overwrite(at / _PLAN, plans.written(plan))


def make_instances(at: Path, plan: Plan, token: Callable[[str], str]) -> None:
    """Makes the folders of all instances that are to run; `token` mints the token of the instance with that name."""
    for index, part in enumerate(plan.parts):
        told = at / f"{index}.json"
        for number in part.numbers:
            if number not in plan.done:
                name = plan.instance_name(number)
                _make_instance(f"{at.parent}/{name}", told, token(name))


def _make_instance(instance: str, told: Path, token: str) -> None:
    # Names instead of paths: a workflow may have very many instances.
    with suppress(FileExistsError):
        os.mkdir(instance, 0o700)  # noqa: PTH102
    _link(told, f"{instance}/{JOB_FILE}")
    folder.overwrite(f"{instance}/{TOKEN_FILE}", token)


def discard(at: Path, plan: Plan) -> None:
    """Deletes the folders of a workflow and of its instances."""
    for number in range(plan.total):
        shutil.rmtree(at.parent / plan.instance_name(number), ignore_errors=True)
    shutil.rmtree(at, ignore_errors=True)


def plan_in(at: Path) -> Plan | None:
    """The plan of the workflow whose folder is `at`; None where it is not kept (any more). Plans never change."""
    signature = folder.signature(at / _PLAN)
    return None if signature is None else _read(at / _PLAN, signature)


@lru_cache(maxsize=_KEPT_PLANS)
def _read(path: Path, _signature: tuple[int, int, int]) -> Plan | None:
    text = folder.read(path, _LARGEST)
    return None if text is None else plans.read(text)


def submitted(at: Path) -> dict[str, Any] | None:
    """The workflow as it was submitted, secrets included; None where it is not kept."""
    return _document(at / _WHOLE)


def shown(at: Path) -> dict[str, Any] | None:
    """The workflow as it may be shown; None where it is not kept."""
    return _document(at / _SHOWN)


def _document(path: Path) -> dict[str, Any] | None:
    text = folder.read(path, _LARGEST)
    return None if text is None else json.loads(text)


def _link(told: Path, at: str) -> None:
    """A further name of the file; where it has as many as it can have, the file is written anew first."""
    try:
        os.link(told, at)
    except FileExistsError:
        os.unlink(at)  # noqa: PTH108
        _link(told, at)
    except OSError as error:
        if error.errno != errno.EMLINK:
            raise
        again = told.with_suffix(".new")
        folder.overwrite(again, told.read_text())
        again.rename(told)
        os.link(told, at)
