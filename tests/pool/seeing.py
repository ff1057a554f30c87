"""What tests see of an instance from outside: its head, processes by their ids, and that something has become so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from deploy import appliance, nodes
from deploy.instance import Instance


def head_of(instance: Instance) -> nodes.Node:
    """The node with the instance's collector and schedd."""
    return nodes.head(instance.home, appliance.ensure(instance.settings.cache, print))


def daemon(node: nodes.Node, name: str) -> int | None:
    """Process id, as seen from outside of the node, of the daemon `name` there; None while it does not run."""
    first = node.process.pid()
    for pid in descendants(first) if first is not None else ():
        # Names of processes end after 15 characters.
        if _read(f"/proc/{pid}/comm").strip() == name[:15]:
            return pid
    return None


def descendants(pid: int) -> Iterator[int]:
    """The children of a process, their children, and so on."""
    for child in map(int, _read(f"/proc/{pid}/task/{pid}/children").split()):
        yield child
        yield from descendants(child)


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def until(holds: Callable[[], bool], seconds: float) -> None:
    """Waits until `holds()`, `seconds` at most."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.02)
