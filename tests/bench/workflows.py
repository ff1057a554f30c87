"""What workflows cost: large sweeps, the rate of short jobs, and random DAGs, against HTCondor's own tools in the same run.

Run against a started instance that nobody else uses, whose worker is kept ready (`PROMINENCE_WORKERS=1
PROMINENCE_WORKER_CPUS=4 deploy/quickstart start`):
`CONDOR_CONFIG=~/.prominence/client_config .venv/bin/python -m tests.bench.workflows [--only PART] …`. On a slow machine
`--nodes 200` and `--short 50` tell as much. Everything that it makes is gone at the end.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from tests.bench.workflow_instance import remove_all
from tests.bench.workflow_order import dags
from tests.bench.workflow_rates import rates
from tests.bench.workflow_sizes import posts, queue

_NUMBERS = {
    "posted": (10_000, "posts: instances of a sweep"),
    "posts": (5, "posts: how many times"),
    "queued": (100_000, "queue: instances of a sweep"),
    "seconds": (60, "queue: how long it is in the queue before it is asked for"),
    "calls": (200, "queue: how often it is asked for"),
    "short": (150, "rates: instances of a sweep"),
    "rounds": (3, "rates: how many times"),
    "nodes": (1000, "dag: nodes"),
    "dags": (1, "dag: how many DAGs"),
    "seed": (1, "dag: the same seed gives the same DAGs"),
}


def main() -> None:
    """Prints the figures."""
    parts: dict[str, Callable[[argparse.Namespace], None]] = {
        "posts": lambda args: posts(args.posted, args.posts),
        "queue": lambda args: queue(args.queued, args.seconds, args.calls),
        "rates": lambda args: rates(args.short, args.rounds),
        "dag": lambda args: dags(args.nodes, args.dags, args.seed),
    }
    args = _parser(list(parts)).parse_args()
    print(f"load of the machine at the beginning: {os.getloadavg()[0]:.1f}", flush=True)
    try:
        for name in args.only or parts:
            parts[name](args)
    finally:
        # Also what a POST left whose answer did not arrive.
        remove_all()


def _parser(parts: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="What workflows cost.")
    parser.add_argument("--only", action="append", choices=parts, help="this part alone (repeat for more)")
    for name, (default, text) in _NUMBERS.items():
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{text} ({default})")
    return parser


if __name__ == "__main__":
    main()
