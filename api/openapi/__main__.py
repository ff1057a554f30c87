"""`python -m api.openapi job-schema` and `python -m api.openapi document`: the descriptions as JSON on standard output."""

from __future__ import annotations

import argparse
import json
import sys

from api.openapi.document import PREFIX, document
from api.openapi.job_schema import job_schema
from api.openapi.operations import OPERATIONS


def main() -> int:
    """Prints the description that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m api.openapi", description="Descriptions of the REST API as JSON.")
    parser.add_argument("what", choices=("job-schema", "document"))
    what = parser.parse_args().what
    print(text(job_schema() if what == "job-schema" else document(OPERATIONS, PREFIX)), end="")
    return 0


def text(described: object) -> str:
    """JSON as it is kept in files: indented, a newline at its end."""
    return json.dumps(described, indent=2, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    sys.exit(main())
