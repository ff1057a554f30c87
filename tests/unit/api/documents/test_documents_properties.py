"""Promises about every body there is: a job or a refusal, and never a change."""

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from api.documents import InvalidDocument, as_submitted, parse_job, redacted
from api.documents.job import Job

FIELDS = sorted(
    {
        name
        for schema in [Job.model_json_schema(), *Job.model_json_schema()["$defs"].values()]
        for name in schema["properties"]
    }
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["a", "/a", "a:/b", "webdav", "openmpi", "YQ==", "http://h/a", "{at}", "{says}", "[key]"])
)
KEYS = st.sampled_from([*FIELDS, "[key]", ""]) | st.text(max_size=5)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=15
)
# Bodies that come close to a job reach further than arbitrary ones.
NEARLY = st.fixed_dictionaries(
    {"resources": JSON | st.just({"cpus": 2, "memory": 1}), "tasks": JSON | st.lists(st.just({"image": "a"}) | JSON)},
    optional=dict.fromkeys(("name", "labels", "inputs", "artifacts", "storage", "policies", "outputFiles"), JSON),
)

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
WORD = st.from_regex(r"[A-Za-z0-9]{1,10}", fullmatch=True)
RESOURCES = st.fixed_dictionaries(
    {"memory": st.integers(1, 1000) | st.floats(0.01, 1000)},
    optional={"disk": st.integers(1, 1000), "walltime": st.integers(1, 5000), "nodes": st.integers(1, 9)},
).flatmap(
    lambda rest: st.one_of(
        st.integers(1, 1000).map(lambda n: rest | {"cpus": n}),
        st.tuples(st.integers(1, 99), st.integers(99, 200)).map(lambda pair: rest | {"cpusRange": list(pair)}),
        st.tuples(st.integers(1, 99), st.integers(1, 99)).map(lambda pair: rest | {"cpusOptions": list(pair)}),
    )
)
TASK = st.fixed_dictionaries(
    {"image": WORD},
    optional={
        "cmd": st.lists(WORD, max_size=4).map(" ".join),
        "env": st.dictionaries(WORD.map("_".__add__), TEXT, max_size=3),
        "runtime": st.sampled_from(["singularity", "udocker"]),
        "procsPerNode": st.just(1),
        "imagePullCredential": st.fixed_dictionaries({"username": TEXT, "token": TEXT}),
    },
)
VALID = st.fixed_dictionaries(
    {"resources": RESOURCES, "tasks": st.lists(TASK, min_size=1, max_size=3)},
    optional={
        "name": st.from_regex(r"[A-Za-z0-9\-_ ./]{0,20}", fullmatch=True),
        "labels": st.dictionaries(WORD, st.from_regex(r"[\w\-./]{1,10}", fullmatch=True), max_size=3),
        "outputFiles": st.lists(WORD, max_size=3),
        "policies": st.fixed_dictionaries(
            {}, optional={"priority": st.integers(-9, 9), "autoScalingType": st.sampled_from([None, "shared"])}
        ),
    },
)


def outcome(body: bytes) -> Job | InvalidDocument:
    """What parsing gives; anything but these two fails the test."""
    try:
        return parse_job(body)
    except InvalidDocument as error:
        return error


def check(body: bytes) -> None:
    """A job must survive the way back and forth; a refusal must be one clean sentence that names its field."""
    result = outcome(body)
    if isinstance(result, Job):
        assert parse_job(json.dumps(as_submitted(result)).encode()) == result
    else:
        assert result.message.startswith(f"{result.field or 'the body'} ")
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", result.message)
        assert result.message.encode("utf-8")


@given(JSON)
@settings(max_examples=150, deadline=None)
def test_any_json_is_a_job_or_refused(value: Any) -> None:
    check(json.dumps(value).encode())


@given(NEARLY)
@settings(max_examples=250, deadline=None)
def test_anything_like_a_job_is_a_job_or_refused(value: dict[str, Any]) -> None:
    check(json.dumps(value).encode())


@given(st.binary(max_size=50) | st.text(max_size=50).map(str.encode))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_a_job_or_refused(body: bytes) -> None:
    check(body)


@given(VALID)
@settings(max_examples=150, deadline=None)
def test_a_valid_job_is_accepted_unchanged(value: dict[str, Any]) -> None:
    job = parse_job(json.dumps(value).encode())
    assert as_submitted(job) == value
    assert parse_job(json.dumps(as_submitted(job)).encode()) == job
    assert job.resources.cpus_min <= job.resources.cpus_max
    assert job.resources.memory_gb > 0
    assert set(redacted(job)) == set(value)
