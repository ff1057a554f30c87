"""What the object routes cost over a bare disk and a bare socket: upload and download of one large file, latency of small ones.

`.venv/bin/python -m tests.bench.objects [MEGABYTES]`; it starts a server of its own. Prints figures of one run, and the memory
that the server came to use.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from tests.unit.api.objects.serving import Server, gunicorn, make_keys
from tests.unit.api.objects.test_objects_http import download, high_water

MB = 2**20
SMALL = 200


def pieces(total: int) -> Iterator[bytes]:
    """`total` megabytes."""
    block = os.urandom(MB)
    for _ in range(total):
        yield block


def disk(file: Path, total: int) -> float:
    """Seconds that writing as much takes, to the disk; the file stays."""
    began = time.perf_counter()
    with file.open("wb") as stream:
        for block in pieces(total):
            stream.write(block)
        stream.flush()
        os.fsync(stream.fileno())
    return time.perf_counter() - began


def upload(server: Server, file: Path) -> float:
    """Seconds that the upload of a file takes, until it is answered."""
    url = server.link("large", size=file.stat().st_size)
    began = time.perf_counter()
    with file.open("rb") as stream:
        requests.put(url, data=stream, timeout=600).raise_for_status()
    return time.perf_counter() - began


def fetch(server: Server) -> float:
    """Seconds that a download takes."""
    began = time.perf_counter()
    with requests.get(download(server, "large"), timeout=600, stream=True) as got:
        for _ in got.iter_content(MB):
            pass
    return time.perf_counter() - began


def small(server: Server) -> list[float]:
    """Seconds for a link and an upload of a kilobyte, each."""
    times = []
    for number in range(SMALL):
        began = time.perf_counter()
        server.session.put(server.link(f"small{number}"), data=b"x" * 1024, timeout=60).raise_for_status()
        times.append(time.perf_counter() - began)
    return times


def main() -> None:
    """Prints the figures."""
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = make_keys(folder / "keys")
        storage = {"kind": "local", "root": str(folder / "root"), "signing_secret": str(keys / "signing-secret")}
        with gunicorn(folder, keys, {**storage, "largest_object": 10**10}) as server:
            bare, sent, got = disk(folder / "bare", total), upload(server, folder / "bare"), fetch(server)
            (worker,) = server.workers()
            print(f"{total} MB: bare disk {bare:.2f} s, upload {sent:.2f} s ({sent / bare:.2f}), download {got:.2f} s")
            times = small(server)
            print(f"1 KB: median {statistics.median(times) * 1e3:.1f} ms, worst {max(times) * 1e3:.1f} ms")
            print(f"memory of the server at most {high_water(worker) / MB:.0f} MB")


if __name__ == "__main__":
    main()
