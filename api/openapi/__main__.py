"""`python -m api.openapi` with `job-schema`, `workflow-schema` or `document`: a description as JSON on standard output."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

from api.openapi.document import PREFIX, document
from api.openapi.job_schema import job_schema
from api.openapi.operations import OPERATIONS
from api.openapi.workflow_schema import workflow_schema

MAKERS: dict[str, Callable[[], object]] = {
    "job-schema": job_schema,
    "workflow-schema": workflow_schema,
    "document": lambda: document(OPERATIONS, PREFIX),
}


def main() -> int:
    """Prints the description that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m api.openapi", description="Descriptions of the REST API as JSON.")
    parser.add_argument("what", choices=tuple(MAKERS))
    what = parser.parse_args().what
    print(text(MAKERS[what]()), end="")
    return 0


def text(described: object) -> str:
    """JSON as it is kept in files: indented, a newline at its end."""
    return json.dumps(described, indent=2, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    sys.exit(main())
