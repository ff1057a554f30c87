"""The models as a source of documentation: names, descriptions and a schema that says what is accepted."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.documents.job import Job

WIRE_NAMES = {
    "Job": "name labels resources tasks inputs artifacts outputFiles outputDirs checkpoint storage policies "
    "notifications",
    "Checkpoint": "files interval",
    "Resources": "nodes cpus cpusRange cpusOptions totalCpusRange memory memoryPerCpu disk walltime",
    "Task": "image runtime cmd env workdir type procsPerNode app imagePullCredential imageSha256 stdout",
    "ImagePullCredential": "username token",
    "InputFile": "filename content executable",
    "Artifact": "url mountpoint executable",
    "Storage": "type mountpoint webdav b2drop onedata",
    "WebdavCredential": "url username password",
    "B2dropCredential": "app-username app-password",
    "OnedataCredential": "provider token",
    "Policies": "maximumRetries maximumTaskRetries maximumTimeInQueue leaveInQueue ignoreTaskFailures "
    "reportJobSuccessOnTaskFailure runSerialTasksOnAllNodes priority autoScalingType preemptible "
    "maximumIdleTimePerResource placement",
    "Placement": "requirements preferences",
    "Where": "sites regions",
    "Notification": "event type",
}


@pytest.fixture(scope="module")
def objects() -> dict[str, dict[str, Any]]:
    schema = Job.model_json_schema()
    inner: dict[str, dict[str, Any]] = schema.pop("$defs")
    return {"Job": schema} | inner


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a JSON schema."""
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from nodes(inner)


def test_the_fields_have_the_names_of_the_contract(objects: dict[str, dict[str, Any]]) -> None:
    assert {name: " ".join(schema["properties"]) for name, schema in objects.items()} == WIRE_NAMES


def test_every_field_is_described(objects: dict[str, dict[str, Any]]) -> None:
    for name, schema in objects.items():
        for field, description in schema["properties"].items():
            assert description.get("description", "").endswith("."), f"{name}.{field}"


def test_every_object_is_closed(objects: dict[str, dict[str, Any]]) -> None:
    assert {schema["additionalProperties"] for schema in objects.values()} == {False}


def test_null_is_in_the_schema_only_where_it_is_accepted(objects: dict[str, dict[str, Any]]) -> None:
    nullable = {
        field
        for schema in objects.values()
        for field, description in schema["properties"].items()
        if any(node.get("type") == "null" or None in node.get("enum", ()) for node in nodes(description))
    }
    assert nullable == {"autoScalingType", "maximumIdleTimePerResource"}


def test_limits_and_patterns_are_in_the_schema(objects: dict[str, dict[str, Any]]) -> None:
    name = objects["Job"]["properties"]["name"]
    assert (name["maxLength"], name["pattern"]) == (512, r"^[A-Za-z0-9\-_ ./]*$")
    assert objects["Resources"]["properties"]["cpus"]["maximum"] == 100_000
    assert objects["Resources"]["properties"]["memory"]["exclusiveMinimum"] == 0
    assert objects["Policies"]["properties"]["maximumRetries"]["maximum"] == 6
    assert objects["Job"]["properties"]["tasks"]["maxItems"] == 1000
    assert objects["ImagePullCredential"]["properties"]["token"]["writeOnly"] is True


def test_required_fields_are_those_of_the_contract(objects: dict[str, dict[str, Any]]) -> None:
    assert objects["Job"]["required"] == ["resources", "tasks"]
    assert objects["Task"]["required"] == ["image"]
    assert "required" not in objects["Resources"]
