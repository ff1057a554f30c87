"""The JSON Schema of workflows accepts all that the service does, and refuses what a schema can."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings

from api.documents.workflow import Workflow
from api.openapi.workflow_schema import workflow_schema
from tests.unit.api.documents.test_workflow_document import COMPLETE
from tests.unit.api.documents.test_workflow_properties import NEARLY, outcome
from tests.unit.api.documents.workflow_support import job, repeat, sweep, workflow, zipped

ROOT = Path(__file__).parents[4]
SCHEMA = jsonschema_rs.validator_for(workflow_schema())


def test_the_file_for_editors_is_up_to_date() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "api.openapi", "workflow-schema"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60)
    assert made.returncode == 0, made.stderr.decode()
    assert (ROOT / "docs/schema/workflow.json").read_bytes() == made.stdout, (
        "python -m api.openapi workflow-schema > docs/schema/workflow.json"
    )


def test_the_schema_is_one_of_its_dialect() -> None:
    jsonschema_rs.meta.validate(workflow_schema())


@given(NEARLY)
@settings(max_examples=300, deadline=None)
def test_what_the_service_accepts_is_valid(document: dict[str, Any]) -> None:
    if isinstance(outcome(document), Workflow):
        SCHEMA.validate(document)


@pytest.mark.parametrize(
    "document",
    [
        COMPLETE,
        workflow("a/b", "/", factories=[repeat("a/b"), sweep("/", start=1, end=1.5, number=7)]),
        workflow("a", factories=[zipped("a", x=["", 1, 1.5], y=[0, "b", "c"])]),
        workflow(job("a", outputFiles=["f"]), job("b", artifacts=[{"url": "job://a/f"}, {"url": "u/v"}])),
    ],
)
def test_workflows_are_valid(document: Any) -> None:
    assert isinstance(outcome(document), Workflow)
    SCHEMA.validate(document)


@pytest.mark.parametrize(
    "document",
    [
        {},
        workflow(),
        workflow(job("")),
        workflow('"'),
        workflow("a", more=1),
        workflow("a", policies={"maximumReruns": 7}),
        workflow("a", dependencies={"a": "b"}),
        workflow("a", dependencies={'"': ["a"]}),
        workflow("a", notifications=[{"event": "jobFinished", "type": "email"}]),
        workflow("a", factories=[repeat()]),
        workflow("a", factories=[{"type": "repeat", "jobs": ["a"]}]),
        workflow("a", factories=[sweep("a", start=1, end=2)]),
        workflow("a", factories=[sweep("a", start=1, end=2, step=1, number=2)]),
        workflow("a", factories=[sweep("a", start=1, end=2, step=0)]),
        workflow("a", factories=[sweep("a", start=1, end=2, number=0)]),
        workflow("a", factories=[sweep("a", values=[1])]),
        workflow("a", factories=[zipped("a")]),
        workflow("a", factories=[zipped("a", x=[])]),
        workflow("a", factories=[zipped("a", x=[None])]),
        workflow("a", factories=[zipped("a", **{"1": [1]})]),
        workflow("a", factories=[zipped("a", x=[1]) | {"number": 1}]),
        workflow(job("a", artifacts=[{"url": "job://a"}])),
    ],
)
def test_what_a_schema_can_refuse_is_invalid(document: Any) -> None:
    assert not isinstance(outcome(document), Workflow)
    assert not SCHEMA.is_valid(document)
