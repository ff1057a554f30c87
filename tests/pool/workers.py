"""The workers that an instance's provisioner makes on this machine: which there are, and what of them this process sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cloud_provisioner.contextualisation import host_name
from cloud_provisioner.drivers.local import servers
from cloud_provisioner.drivers.local.servers import Server
from deploy import nodes, provisioner
from deploy.home import Home
from deploy.instance import Instance
from pool.attributes import Machine
from tests.pool.seeing import descendants, head_of, until

if TYPE_CHECKING:
    from tests.pool.conftest import User

PATIENCE = 90.0
"""Seconds in which a worker is made, or made anew; on an idle machine it is a tenth of that."""


def workers(instance: Instance) -> list[Server]:
    """The workers that run, those that are starting up among them."""
    there = servers.servers(instance.home.workers) if instance.home.workers.is_dir() else []
    return [server for server in there if server.process.pid() is not None]


def only(instance: Instance) -> Server:
    """The one worker of an instance that has one."""
    (server,) = workers(instance)
    return server


def worker_of(instance: Instance, user: User, number: int) -> Server:
    """The worker on which a job runs, or ran last."""
    hosts = [event["host"] for event in user.call("GET", f"/jobs/{number}/events").json() if "host" in event]
    (server,) = (server for server in workers(instance) if name_of(server) == hosts[-1])
    return server


def name_of(server: Server) -> str:
    """What HTCondor calls a worker's machine."""
    return f"{host_name(provisioner.SITE, server.uuid)}.{nodes.DOMAIN}"


def top(server: Server) -> int:
    """The process by which a worker's namespaces were made: all of the worker's descend from it."""
    pid = server.process.pid()
    assert pid is not None
    return pid


def everything(instance: Instance) -> Iterator[int]:
    """All processes of all workers."""
    for server in workers(instance):
        first = server.process.pid()
        if first is not None:
            yield first
            yield from descendants(first)


def pool_of(server: Server) -> Path:
    """What a worker sees as /pool."""
    return server.folder / "pool"


def written_by(server: Server) -> Path:
    """What a worker has written over its root file system."""
    return server.folder / "disk" / "upper"


def processes(server: Server, words: str) -> list[int]:
    """The processes of a worker in whose command line these words stand, the oldest first."""
    return [pid for pid in sorted(descendants(top(server))) if words in command(pid)]


def command(pid: int) -> str:
    """The command line of a process, empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def in_pool(instance: Instance) -> list[Server]:
    """The workers that have joined."""
    shown = nodes.run_on_head(head_of(instance), ["condor_status", "-af", Machine.SERVER]).split()
    return [server for server in workers(instance) if server.uuid in shown]


def wait_for_workers(instance: Instance, count: int) -> list[Server]:
    """The workers, once so many have joined."""
    until(lambda: len(in_pool(instance)) >= count, PATIENCE)
    return in_pool(instance)


@contextmanager
def left_alone(instance: Instance) -> Iterator[None]:
    """While the block lasts there is no provisioner: nobody makes a worker, takes one away, or says why jobs wait."""
    provisioner.process(instance.home).stop(10)
    try:
        yield
    finally:
        provisioner.start(instance.home)


def log_tails(home: Home, lines: int = 15) -> str:
    """The ends of what the provisioner and all workers have logged, for people."""
    files = [home.log / "provisioner.log"]
    for form in ("console.log", "pool/log/*Log"):
        files += sorted(home.workers.glob(f"*/{form}"))
    tails = {file: file.read_text(errors="replace").splitlines()[-lines:] for file in files if file.is_file()}
    return "\n".join(f"== {file}\n" + "\n".join(tail) for file, tail in tails.items())
