"""What the tests of the documents share: a small valid job, and ways to change one place of it."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from api.documents import InvalidDocument, Job, parse_job

Place = tuple[int | str, ...]

_MINIMAL: dict[str, Any] = {"resources": {"cpus": 4, "memory": 8}, "tasks": [{"image": "busybox"}]}
_CREDENTIALS = {"username": "ada", "password": "s3cret"}
_SAMPLES: dict[str, Any] = {
    "inputs": [{"filename": "a.txt", "content": "YQ=="}],
    "artifacts": [{"url": "https://example.org/a.tgz"}],
    "checkpoint": {"files": ["state"]},
    "storage": {"type": "webdav", "mountpoint": "/data", "webdav": {"url": "https://dav.org/x"} | _CREDENTIALS},
    "policies": {"placement": {"requirements": {"sites": ["A"]}}},
    "notifications": [{"event": "jobFinished", "type": "email"}],
}


def changed(place: Place, value: Any) -> dict[str, Any]:
    """The minimal job with one place set; what the place lies in is taken from a valid sample."""
    document = copy.deepcopy(_MINIMAL)
    if len(place) > 1 and place[0] in _SAMPLES:
        document[str(place[0])] = copy.deepcopy(_SAMPLES[str(place[0])])
    target: Any = document
    for part in place[:-1]:
        if isinstance(target, dict) and part not in target:
            target[part] = {}
        target = target[part]
    target[place[-1]] = value
    return document


@pytest.fixture
def accepted() -> Callable[[Place, Any], Job]:
    """Parse the minimal job with one place changed."""
    return lambda place, value: parse_job(json.dumps(changed(place, value)).encode())


@pytest.fixture
def refused() -> Callable[[Place, Any], InvalidDocument]:
    """The refusal of the minimal job with one place changed, its promises kept: it names the field."""

    def refuse(place: Place, value: Any) -> InvalidDocument:
        with pytest.raises(InvalidDocument) as caught:
            parse_job(json.dumps(changed(place, value)).encode())
        error = caught.value
        assert error.field, "a wrong field must be named"
        assert error.message.startswith(f"{error.field} ")
        assert "\n" not in error.message
        assert len(error.message) < 500
        return error

    return refuse
