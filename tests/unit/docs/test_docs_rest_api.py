"""Every route, every parameter of a list, and every field of a job in an answer is documented, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask import Flask

from api.app import create_app
from api.jobs import view
from api.jobs.listing import selection
from api.openapi.document import PREFIX
from api.settings import load
from deploy import service
from deploy.files import write_private
from deploy.home import Home
from deploy.home import Settings as Instance
from pool.session import Pool
from tests.unit.api.jobs.test_jobs_view import ENDED, REPORT, started
from tests.unit.docs.reference import compare, names

FILE = "rest-api.md"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application of a one-machine instance."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.make()
    home.signing_key.parent.mkdir(parents=True)
    write_private(home.signing_key, "a key of a pool that never runs")
    service.prepare(Instance(home.path, home.path), home)
    service.migrate(home)
    return create_app(load(home.service_settings), Pool())


def _paths(rule: str) -> Iterator[str]:
    """The addresses of a rule: one for each word of a choice, parts that vary as `<>`."""
    choice = re.search(r"<any\(([^)]*)\):[^>]*>", rule)
    if choice:
        for word in choice[1].split(","):
            yield from _paths(rule.replace(choice[0], word.strip()))
    else:
        yield re.sub("<[^>]*>", "<>", rule)


def routes(app: Flask) -> set[str]:
    """Methods and addresses, as `GET /prominence/v1/jobs/<>`."""
    return {
        f"{method} {path}"
        for rule in app.url_map.iter_rules()
        for path in _paths(rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_is_documented(app: Flask) -> None:
    documented = [name.replace(" ", f" {PREFIX}", 1) for name in names(FILE, "Routes")]
    documented += names(FILE, "Routes outside of the base path")
    compare(FILE, [re.sub("<[^>]*>", "<>", name) for name in documented], routes(app))


class Watched(dict[str, str]):
    """Parameters that remember what was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


def test_every_parameter_of_a_list_is_documented() -> None:
    args = Watched()
    selection(args)
    compare(f"{FILE}, Parameters of lists", names(FILE, "Parameters of lists"), args.asked)


SUBMITTED = (
    *("tasks", "resources", "labels", "policies", "notifications", "artifacts", "inputs", "checkpoint", "storage"),
)
"""Parts of an answer that are parts of the document that was submitted."""


def keys(answer: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Every key of an answer; one of an object in a list as `list[].key`."""
    for name, value in answer.items():
        path = f"{before}{name}"
        yield path
        below = value[0] if isinstance(value, list) and value else value
        if isinstance(below, Mapping) and path not in SUBMITTED:
            yield from keys(below, f"{path}{'[]' if isinstance(value, list) else ''}.")


def test_every_field_of_a_job_in_an_answer_is_documented() -> None:
    failed = started(4, ExitCode=1, CompletionDate=ENDED, ResidentSetSize=1)
    reported = {**REPORT, "reason": {"code": "taskFailed", "message": "The task exited with code 7."}}
    saved = {"restored": 1.0, "saved": 1, "lastSaved": 2.0, "size": 3, "warning": "No."}
    reported["nodes"] = [{**REPORT["nodes"][0], "checkpoint": saved}]
    moment = {"phase": "pullingImage", "since": 1.0, "task": 0, "item": "busybox", "percent": 1}
    answer = view.job(failed, reported, True, moment) | dict.fromkeys(SUBMITTED)
    heading = "A job in an answer"
    compare(f"{FILE}, {heading}", names(FILE, heading), list(keys(answer)))
