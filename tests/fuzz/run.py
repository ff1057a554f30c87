"""`python -m tests.fuzz.run`: thousands of generated requests against a real API over a real pool, and what came of them.

The pool has no workers: the jobs that are created wait, and go with the pool at the end. The instance is the one that
PROMINENCE_HOME and PROMINENCE_PORT name; it is made for this and deleted afterwards.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import uuid
from dataclasses import replace

from api.openapi.document import PREFIX, document
from api.openapi.operations import OPERATIONS
from deploy import service
from deploy.home import from_environment
from deploy.instance import Instance
from identity.caller import Caller
from identity.job_tokens import JobTokens
from tests.fuzz import fuzzing

_DAY = 24 * 3600


def main() -> int:
    """Prints what came of it; 1 where anything did not conform."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run")
    parser.add_argument(
        "--examples", type=int, default=500, help="generated requests for each operation and kind of data"
    )
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same seed gives the same requests")
    parser.add_argument("--reproduce", action="store_true", help="print a command for each kind of failure")
    args = parser.parse_args()
    if "PROMINENCE_HOME" not in os.environ:
        parser.error("set PROMINENCE_HOME to a folder that may be deleted, and PROMINENCE_PORT to a free port")
    instance = Instance(replace(from_environment(os.environ), workers=0, most_workers=0))
    try:
        instance.start(print)
        outcomes = [_run(instance, name, token, args) for name, token in _tokens(instance).items()]
    finally:
        instance.clean()
    return 1 if any(outcome.failures for outcome in outcomes) else 0


def _tokens(instance: Instance) -> dict[str, str | None]:
    """Who sends requests: a user, a running job of that user's, and somebody without a token."""
    user = service.mint(instance.settings, instance.home, "fuzz", [], [], _DAY)
    caller = Caller(subject="fuzz", issuer=service.issuer_name(instance.settings), username="fuzz", groups=("users",))
    job = JobTokens.from_file(instance.home.keys / "job-tokens").mint(caller, job=uuid.uuid4().hex, lifetime=_DAY)
    return {"user": user, "job": job, "nobody": None}


def _run(instance: Instance, name: str, token: str | None, args: argparse.Namespace) -> fuzzing.Outcome:
    began = time.monotonic()
    description = document(OPERATIONS, PREFIX)
    outcome = fuzzing.run(description, instance.settings.url, token, args.examples, args.seed)
    print(f"\n{name}: {outcome.cases} requests in {time.monotonic() - began:.0f} s, seed {args.seed}")
    for (operation, status), count in sorted(outcome.answers.items()):
        print(f"  {count:6} {status} {operation}")
    print(f"  slowest answer {outcome.slowest:.3f} s ({outcome.slowest_operation})")
    print(f"  server errors {outcome.server_errors()}, failures {outcome.failures.total()}")
    for title, count in outcome.failures.most_common():
        print(f"  {count:6} {title}")
        if args.reproduce:
            print(outcome.reproductions.get(title, ""))
    return outcome


if __name__ == "__main__":
    sys.exit(main())
