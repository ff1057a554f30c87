"""The JSON Schema of a job's document, for editors that complete and check while somebody writes one."""

from __future__ import annotations

from typing import Any

from api.documents.job import Job

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def job_schema() -> dict[str, Any]:
    """The schema, whole in itself.

    It accepts all that the service takes as valid. What no schema can say, such as the order of the numbers in a range,
    stands in its descriptions.
    """
    return {"$schema": DIALECT, **Job.model_json_schema()}
