"""The processes of a cloud: started each in a session of its own, noted in the cloud's folder, found again and ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.namespaces import Process
from tests.cloud.openstack.answering import answers
from tests.cloud.openstack.errors import CloudError
from tests.cloud.openstack.installation import Installation
from tests.cloud.openstack.place import CONTROL_PORT, SERVICES, Place

_ROOT = Path(__file__).parents[3]
_PATIENCE = 5.0
_PROXY = "proxy"


def start_services(
    place: Place, installation: Installation, services: Sequence[str], appliance: Path, binds: Mapping[str, str]
) -> None:
    """Starts what does not run of `services`, and waits until all of them answer. Raises CloudError."""
    _end_strays([place.run])
    for service in services:
        process = _process(place, service)
        if process.pid() is None:
            environ = {
                **installation.environ(place.settings),
                "APPLIANCE": str(appliance),
                "FAULTS": str(place.faults),
                "BINDS": json.dumps(dict(binds)),
                "IDENTITY_PROVIDER": str(place.identity_provider),
            }
            command = [
                str(installation.python),
                "-m",
                "tests.cloud.openstack.inside.serve",
                service,
                place.internal,
                str(SERVICES[service]),
                str(process.file),  # by which it can be found before it is noted there
            ]
            process.start(command, _log(place, service), environ)
    for service in services:
        _wait(place, service, 120)


def start_proxy(place: Place) -> None:
    """Starts the proxy if it does not run, and waits until it listens."""
    process = _process(place, _PROXY)
    if process.pid() is None:
        command = [sys.executable, "-m", "tests.cloud.openstack.proxy", str(place.folder), str(place.number)]
        command.append(str(process.file))
        process.start(command, _log(place, _PROXY), {**os.environ, "PYTHONPATH": str(_ROOT)})
    _wait(place, _PROXY, 20)


def kill(place: Place, name: str) -> None:
    """Ends one service, or the `proxy`, between any two lines; returns when its port can be had again."""
    _process(place, name).stop(0)
    deadline = time.monotonic() + _PATIENCE
    while _is_taken(*_address(place, name)):
        if time.monotonic() > deadline:
            raise CloudError(f"The port of the {name} service stays open though it was killed.")
        time.sleep(0.02)


def stop_all(place: Place) -> None:
    """Ends everything that was started in this folder, whoever started it: first what makes servers, then these."""
    _process(place, "compute").stop(_PATIENCE)
    files = _notes(place.run, place.instances)
    with ThreadPoolExecutor(8) as pool:
        # A list, so that errors come out.
        list(pool.map(lambda file: Process(file).stop(_PATIENCE if file.parent == place.run else 0), files))
    _end_strays([place.run, place.instances])


def running(place: Place) -> list[str]:
    """Names of the services that run, and of the servers as ids."""
    files = _notes(place.run, place.instances)
    return [file.stem if file.parent == place.run else file.parent.name for file in files if Process(file).pid()]


def log_tails(place: Place, lines: int = 12) -> str:
    """The ends of all logs, for people."""
    parts = []
    for file in sorted(place.log.iterdir()):
        tail = file.read_text(errors="replace").splitlines()[-lines:]
        parts.append("\n".join([f"== {file}", *tail]))
    return "\n".join(parts)


def _notes(*folders: Path) -> list[Path]:
    return [file for folder in folders for file in (*folder.glob("*.pid"), *folder.glob("*/process"))]


def _end_strays(folders: Sequence[Path]) -> None:
    """Ends what was started here and is not noted: whoever started it was killed, and it was noted too late, or never.

    Whatever is started names a file in one of these folders among its arguments.
    """
    begins = tuple(f"{folder}/" for folder in folders)
    found = [pid for pid in _pids() if any(word.startswith(begins) for word in _arguments(pid))]
    noted = {Process(file).pid() for file in _notes(*folders)}
    for pid in set(found) - noted:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _PATIENCE
    while any(_arguments(pid) for pid in set(found) - noted):
        if time.monotonic() > deadline:
            raise CloudError(f"Processes of {folders[0].parent} do not end, not even when killed.")
        time.sleep(0.02)


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _arguments(pid: int) -> list[str]:
    """Arguments of a process; none where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _process(place: Place, name: str) -> Process:
    return Process(place.run / f"{name}.pid")


def _log(place: Place, name: str) -> Path:
    return place.log / f"{name}.out"


def _wait(place: Place, name: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not answers(*_address(place, name)):
        if _process(place, name).pid() is None or time.monotonic() > deadline:
            raise CloudError(f"The {name} service did not come up.\n{log_tails(place)}")
        time.sleep(0.05)


def _is_taken(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return True
    return False


def _address(place: Place, name: str) -> tuple[str, int]:
    return (place.public, CONTROL_PORT) if name == _PROXY else (place.internal, SERVICES[name])
