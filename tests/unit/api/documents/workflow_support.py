"""What the tests of workflows share: small jobs, workflows and factories, and what parsing makes of them."""

import json
from typing import Any

import pytest

from api.documents import InvalidDocument
from api.documents.parse import parse_workflow
from api.documents.workflow import Workflow

Wire = dict[str, Any]


def job(name: str, **more: Any) -> Wire:
    """The smallest job of this name, and more."""
    return {"name": name, "resources": {"cpus": 1, "memory": 1}, "tasks": [{"image": "busybox"}], **more}


def workflow(*jobs: str | Wire, **more: Any) -> Wire:
    """A workflow of jobs, given by name or whole."""
    return {"jobs": [job(each) if isinstance(each, str) else each for each in jobs], **more}


def sweep(*jobs: str, **parameter: Any) -> Wire:
    """A sweep of these jobs through one parameter, x."""
    return {"type": "parameterSweep", "jobs": list(jobs), "parameters": [{"name": "x", **parameter}]}


def zipped(*jobs: str, **values: list[Any]) -> Wire:
    """A zip of these jobs with parameters and their values."""
    return {"type": "zip", "jobs": list(jobs), "parameters": [{"name": n, "values": v} for n, v in values.items()]}


def repeat(*jobs: str, number: int = 3) -> Wire:
    """A repeat of these jobs."""
    return {"type": "repeat", "jobs": list(jobs), "number": number}


def accepted(document: Any) -> Workflow:
    """The workflow of a valid document."""
    return parse_workflow(json.dumps(document).encode())


def refused(document: Any, **more: Any) -> InvalidDocument:
    """The refusal of a document, its promises kept: one short sentence that names the field."""
    with pytest.raises(InvalidDocument) as caught:
        parse_workflow(json.dumps(document).encode(), **more)
    error = caught.value
    assert error.message.startswith(f"{error.field or 'the body'} ")
    assert "\n" not in error.message
    assert len(error.message) < 600
    return error
