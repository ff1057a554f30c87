"""The JSON Schema of jobs says what validation does: the service accepts nothing else, and nearly all of it.

What no schema can say is put right in generated documents, and stands in the descriptions: integral numbers are written
without a fraction, the smaller number of a range comes first, a total fits the nodes, a node has the CPUs for its processes,
and labels have letters and digits of scripts that Python knows.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from api.documents import InvalidDocument, as_submitted, staging, storage, tasks, text
from api.documents.job import Job
from api.openapi.document import PREFIX, document
from api.openapi.job_schema import job_schema
from api.openapi.operations import OPERATIONS
from tests.fuzz.fuzzing import repaired
from tests.unit.api.documents.test_documents_properties import NEARLY, VALID, outcome

ROOT = Path(__file__).parents[4]
SCHEMA = jsonschema_rs.validator_for(job_schema())
NAMED = (
    "names the same file as an earlier input",
    "must not have a component of more than 255 bytes",
)
"""Rules that stand in descriptions and are not put right."""


def test_the_file_for_editors_is_up_to_date() -> None:
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "api.openapi", "job-schema"], cwd=ROOT, capture_output=True, timeout=60
    )
    assert made.returncode == 0, made.stderr.decode()
    assert (ROOT / "docs/schema/job.json").read_bytes() == made.stdout, (
        "python -m api.openapi job-schema > docs/schema/job.json"
    )


def test_the_schema_is_one_of_its_dialect() -> None:
    jsonschema_rs.meta.validate(job_schema())


@given(VALID | NEARLY)
@settings(max_examples=300, deadline=None)
def test_what_the_service_accepts_is_valid(value: dict[str, Any]) -> None:
    job = outcome(json.dumps(value).encode())
    if isinstance(job, Job):
        SCHEMA.validate(as_submitted(job))


def _sendable(generated: dict[str, Any]) -> dict[str, Any]:
    job: dict[str, Any] = repaired(generated)
    if "labels" in job:
        job["labels"] = {key: re.sub(r"[^\w\-./]", "_", label) for key, label in job["labels"].items()}
    if "totalCpusRange" in job["resources"]:
        job["resources"]["totalCpusRange"] = [1, 1_000_000]
    for task in job["tasks"]:
        task.pop("procsPerNode", None)
    return job


def test_what_is_valid_is_accepted_but_for_rules_across_fields() -> None:
    bodies = schemathesis.openapi.from_dict(document(OPERATIONS, PREFIX))["/jobs"]["POST"].as_strategy()
    counts: Counter[str] = Counter()

    @given(bodies)
    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def accepted(case: schemathesis.Case[Any]) -> None:
        assert isinstance(case.body, dict)
        SCHEMA.validate(case.body)
        job = outcome(json.dumps(_sendable(case.body)).encode())
        counts["all"] += 1
        if isinstance(job, InvalidDocument):
            assert any(rule in job.message for rule in NAMED), job.message
            counts["refused"] += 1

    accepted()
    assert counts["all"] >= 40
    assert counts["refused"] <= counts["all"] / 10


PIECES = st.sampled_from(
    [*"/.:-,=@?#[]'\"\\ \t\n\0_aZ09é", "..", "http://", "https://h", "mpirun", "AA==", " ", "\x85"]
)
TEXTS = st.lists(PIECES | st.characters(exclude_categories=["Cs"]), max_size=8).map("".join)
KINDS = {
    "line": text.Line,
    "relative file": text.RelativeFile,
    "mount point": text.MountPoint,
    "job name": text.JobName,
    "label key": text.LabelKey,
    "command": tasks.Command,
    "environment name": tasks.EnvName,
    "environment value": tasks.EnvValue,
    "output path": staging.OutputPath,
    "image": tasks.Image,
    "artifact": staging.ArtifactUrl,
    "artifact mount": staging.ArtifactMount,
    "input": staging.InputContent,
    "webdav": storage.WebdavUrl,
}


@pytest.mark.parametrize("kind", KINDS)
def test_schema_and_validation_agree_on_texts(kind: str) -> None:
    adapter: TypeAdapter[str] = TypeAdapter(KINDS[kind])
    schema = jsonschema_rs.validator_for(adapter.json_schema())

    @given(TEXTS)
    @settings(max_examples=300, deadline=None)
    def agree(value: str) -> None:
        try:
            adapter.validate_python(value, strict=True)
            accepted = True
        except ValidationError:
            accepted = False
        assert schema.is_valid(value) == accepted

    agree()


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_the_schema_refuses_no_label_that_is_accepted(value: str) -> None:
    adapter: TypeAdapter[str] = TypeAdapter(text.LabelValue)
    if re.fullmatch(r"[\w\-./]+", value):
        assert jsonschema_rs.is_valid(adapter.json_schema(), adapter.validate_python(value))


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_the_schema_refuses_no_mpi_command_that_is_accepted(value: str) -> None:
    task = {"image": "a", "type": "openmpi", "cmd": value}
    if isinstance(outcome(json.dumps({"resources": {"cpus": 1, "memory": 1}, "tasks": [task]}).encode()), Job):
        SCHEMA.validate({"resources": {"cpus": 1, "memory": 1}, "tasks": [task]})
