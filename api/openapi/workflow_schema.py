"""The JSON Schema of a workflow's document, for editors that complete and check while somebody writes one."""

from __future__ import annotations

from typing import Any

from api.documents.workflow import Workflow
from api.openapi.job_schema import DIALECT


def workflow_schema() -> dict[str, Any]:
    """The schema, whole in itself, of a workflow that is an object (a list of jobs is one, too).

    It accepts all that the service takes as valid. What no schema can say, such as names that are those of jobs, stands in its
    descriptions.
    """
    return {"$schema": DIALECT, **Workflow.model_json_schema()}
