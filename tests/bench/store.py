"""What a cycle of the provisioner pays to its database: records and past, each batch one transaction under the lease.

Run: `.venv/bin/python -m tests.bench.store --folder /tmp/bench`, with `--database URL` for PostgreSQL (an empty database).
Prints the median and the worst of ROUNDS in milliseconds; removes what it made but the database.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from cloud_provisioner.amounts import Amount
from cloud_provisioner.planning.past import Past, Room, booted, failed
from cloud_provisioner.servers.failures import Failure
from cloud_provisioner.servers.record import Intent
from cloud_provisioner.store.lease import Lease
from cloud_provisioner.store.schema import migrate, open_database
from cloud_provisioner.store.store import Store

ROUNDS = 50
SERVERS = 2_000
SIZE = Amount(4, 8192, 40_000)


def intent(number: int, turn: int) -> Intent:
    """The record of a server as it is at a turn."""
    return Intent(f"{number:032x}", f"site{number % 50}", "m1.large", SIZE, SIZE, 1.8e9, 1.8e9, absent=turn)


def timed(what: str, call: Callable[[int], object]) -> None:
    """Runs it ROUNDS times and says how long that took."""
    took = []
    for turn in range(ROUNDS):
        began = time.perf_counter()
        call(turn)
        took.append(1000 * (time.perf_counter() - began))
    print(f"{what:60} median {statistics.median(took):6.1f} ms, worst {max(took):6.1f} ms")


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--database", help="address of an empty database; otherwise an SQLite file is made")
    args = parser.parse_args()
    folder = args.folder / "store"
    folder.mkdir(parents=True)
    address = args.database or f"sqlite:///{folder}/provisioner.sqlite"
    migrate(address)
    database = open_database(address)
    lease = Lease(database, "bench", "bench", 3600)
    assert lease.acquire()
    store = Store(database, lease)
    past = Past()
    for number in range(500):
        site, flavor = f"site{number % 50}", f"flavor{number // 50}"
        past = failed(booted(past, site, flavor, 40.0, Room(SIZE, SIZE, 1.8e9)), site, flavor, Failure.CAPACITY, 1.8e9)
    store.write((intent(number, 0) for number in range(SERVERS)), past=past)
    timed("write of 1 record", lambda turn: store.write([intent(0, turn + 1)]))
    timed("write of 100 records", lambda turn: store.write(intent(number, turn + 1) for number in range(100)))
    timed(
        "the same, and what one failure of 500 flavors taught",
        lambda turn: store.write(
            (intent(number, -turn - 1) for number in range(100)),
            past=failed(past, "site1", "flavor1", Failure.LOST, 1.8e9 + turn * 1e6),
        ),
    )
    timed("write of 2,000 records", lambda turn: store.write(intent(number, turn + 9) for number in range(SERVERS)))
    timed("renewing the lease", lambda _: lease.renew())
    timed("load of 2,000 records", lambda _: store.load())
    database.close()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
