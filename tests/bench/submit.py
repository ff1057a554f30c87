"""What the REST API costs over bare HTCondor: submission latency and rate, and a warm job from POST to completed.

Run against a started instance whose worker is kept ready (`PROMINENCE_WORKERS=1 deploy/quickstart start`):
`CONDOR_CONFIG=~/.prominence/client_config .venv/bin/python -m tests.bench.submit`. Prints ratios of one run; jobs of the
submission part ask for a site that does not exist, and are deleted afterwards.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import statistics
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from api.documents.parse import parse_job
from api.jobs import translate
from deploy import service
from deploy.home import from_environment
from deploy.instance import Instance
from identity.caller import Caller
from pool.session import Pool

ONE_BY_ONE = 200
CLIENTS = 16
EACH = 40
ROUNDS = 5
WARM = 5

INSTANCE = Instance(from_environment(os.environ))
NOWHERE = {"placement": {"requirements": {"sites": ["nowhere"]}}}
DOCUMENT = {"resources": {"cpus": 1, "memory": 0.25, "disk": 1}, "tasks": [{"image": "/images/busybox", "cmd": "true"}]}
WAITING = json.dumps(DOCUMENT | {"policies": NOWHERE}).encode()


def token(user: str = "bench") -> str:
    return service.mint(INSTANCE.settings, INSTANCE.home, user, [], [], 3600)


def description() -> dict[str, str]:
    """The same job as the API submits it."""
    settings, home = INSTANCE.settings, INSTANCE.home
    caller = Caller("bench", service.issuer_name(settings), "bench", ("users",))
    name = uuid.uuid4().hex
    context = translate.Context(
        caller, caller.issuer, name, home.sandboxes / "bench", home.worker_program, settings.url
    )
    document = parse_job(WAITING)
    return translate.submit_description(document, context, translate.facts(document, context))


def bare(count: int) -> list[float]:
    """Seconds that each of `count` bare submissions took."""
    pool, times = Pool(), []
    pool.check()
    for _ in range(count):
        made = description()
        began = time.perf_counter()
        pool.submit(made)
        times.append(time.perf_counter() - began)
    return times


def through_api(count: int) -> list[float]:
    """Seconds that each of `count` POSTs over one connection took.

    The request is made once and sent as it is: a load generator that shares the machine should not be what is measured.
    """
    host, port = INSTANCE.settings.host, INSTANCE.settings.port
    head = f"POST /prominence/v1/jobs HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token()}\r\n"
    request = f"{head}Content-Length: {len(WAITING)}\r\n\r\n".encode() + WAITING
    times = []
    with socket.create_connection((host, port), timeout=60) as connection:
        for _ in range(count):
            began = time.perf_counter()
            connection.sendall(request)
            answer = connection.recv(4096)
            while not answer.endswith(b"}\n"):
                more = connection.recv(4096)
                if not more:
                    raise RuntimeError(f"the connection ended: {answer!r}")
                answer += more
            times.append(time.perf_counter() - began)
            if b" 201 " not in answer[:20]:
                raise RuntimeError(answer.decode())
    return times


def rate(work: object) -> float:
    """Submissions a second by CLIENTS processes together."""
    with ProcessPoolExecutor(CLIENTS) as clients:
        list(clients.map(work, [1] * CLIENTS))  # type: ignore[arg-type]
        began = time.perf_counter()
        list(clients.map(work, [EACH] * CLIENTS))  # type: ignore[arg-type]
        return CLIENTS * EACH / (time.perf_counter() - began)


def warm_job(document: bytes) -> float:
    """Seconds from POST to completed."""
    connection = http.client.HTTPConnection(INSTANCE.settings.host, INSTANCE.settings.port, timeout=60)
    headers = {"Authorization": f"Bearer {token()}"}
    began = time.perf_counter()
    connection.request("POST", "/prominence/v1/jobs", document, headers)
    number = json.load(connection.getresponse())["id"]
    while True:
        connection.request("GET", f"/prominence/v1/jobs/{number}", headers=headers)
        if json.load(connection.getresponse())[0]["status"] == "completed":
            return time.perf_counter() - began
        time.sleep(0.02)


def warm_bare() -> float:
    """Seconds from a bare submission of `true` until it has left the queue."""
    pool = Pool()
    made = description() | {"executable": "/bin/true", "transfer_executable": "false", "initialdir": "/tmp"}
    for key in ("requirements", "transfer_input_files", "transfer_output_files", "output", "error", "want_io_proxy"):
        del made[key]
    began = time.perf_counter()
    number = pool.submit(made)
    while pool.query(f"ClusterId == {number}", ["JobStatus"]):
        time.sleep(0.02)
    return time.perf_counter() - began


def main() -> None:
    """Prints the figures."""
    (INSTANCE.home.sandboxes / "bench").mkdir(exist_ok=True)
    for name in ("job.json", "token"):
        Path(INSTANCE.home.sandboxes / "bench" / name).touch()
    with ProcessPoolExecutor(1) as one:
        alone = statistics.median(one.submit(bare, ONE_BY_ONE).result())
        posted = statistics.median(one.submit(through_api, ONE_BY_ONE).result())
        print(f"one at a time: bare {alone * 1e3:.2f} ms, POST {posted * 1e3:.2f} ms, ratio {posted / alone:.2f}")
    # Rounds in turn, so that whatever else the machine does meets both alike.
    rounds = [(rate(bare), rate(through_api)) for _ in range(ROUNDS)]
    ratios = sorted(api / together for together, api in rounds)
    for together, api in rounds:
        print(f"{CLIENTS} clients: bare {together:.0f}/s, POST {api:.0f}/s, ratio {api / together:.2f}")
    print(f"{CLIENTS} clients: median ratio {statistics.median(ratios):.2f}, worst {ratios[0]:.2f}")
    pool = Pool()
    waiting = [int(ad["ClusterId"]) for ad in pool.query('Owner == "bench"', ["ClusterId"])]
    for start in range(0, len(waiting), 200):
        pool.remove(waiting[start : start + 200], "benchmark")
    document = json.dumps(DOCUMENT).encode()
    warm_job(document)
    ours, theirs = [warm_job(document) for _ in range(WARM)], [warm_bare() for _ in range(WARM)]
    print(f"warm job, POST to completed: worst {max(ours):.2f} s, median {statistics.median(ours):.2f} s")
    print(f"warm job, bare HTCondor:     worst {max(theirs):.2f} s, median {statistics.median(theirs):.2f} s")
    print(f"difference of the medians: {statistics.median(ours) - statistics.median(theirs):.2f} s")


if __name__ == "__main__":
    main()
