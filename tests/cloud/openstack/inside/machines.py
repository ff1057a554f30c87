"""A server as the hypervisor has it: a folder, and a machine of namespaces over the appliance that runs its user data.

process     the machine's process (see deploy.namespaces.Process)
server.json what it is made of
pool/       its /pool, with the user data
disk/       what it writes over the appliance
console.log what its first process says
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.namespaces import Machine, Process, remove_tree

_OFF = "off"
_POWER_OFF = f"#!/bin/sh\n: >/pool/{_OFF}\nexec sleep infinity\n"
_PROGRAMS = ("poweroff", "shutdown", "halt")
_USER_DATA = "/pool/user-data"
_WALL = Path(__file__).parent / "wall.py"
# As a machine does whose user data is run by a program such as cloud-init: it stays when that has ended.
_STAYING = f'{_USER_DATA}; echo "user data has ended with $?"; while :; do sleep 3600 & wait; done'


@dataclass(frozen=True)
class Server:
    """What a machine is made of."""

    name: str
    cores: int
    memory_mb: int
    address: str | None = None
    stays: bool = False
    """Whether it stays when its user data has ended; else that is its first process, and it ends with it."""
    deaf: bool = False
    """Whether it starts and never runs its user data."""
    ways: Sequence[str] = ()
    """ADDRESS:PORT of those to whom it can connect, while nobody can connect to it; empty: it has the host's network."""
    binds: Mapping[str, str] = field(default_factory=dict)
    """Folders of the host that it sees: source -> target."""


@dataclass(frozen=True)
class Place:
    """The folder of the server with a cloud's id."""

    folder: Path

    @property
    def process(self) -> Process:
        """Its process."""
        return Process(self.folder / "process")

    @property
    def console(self) -> Path:
        """What it said since it was made."""
        return self.folder / "console.log"

    def make(self, server: Server, user_data: bytes) -> None:
        """Creates the folder; once it has `server.json`, there is a server."""
        pool, programs = self.folder / "pool", self.folder / "disk" / "upper" / "usr" / "sbin"
        pool.mkdir(parents=True, exist_ok=True)
        pool.chmod(0o755)
        programs.mkdir(parents=True, exist_ok=True)
        for name in _PROGRAMS:
            (programs / name).write_text(_POWER_OFF)
            (programs / name).chmod(0o755)
        (pool / "user-data").write_bytes(user_data if user_data.startswith(b"#!") else b"#!/bin/sh\n")
        (pool / "user-data").chmod(0o700)
        partial = self.folder / "server.json.partial"
        partial.write_text(json.dumps(asdict(server)))
        partial.rename(self.folder / "server.json")

    def server(self) -> Server | None:
        """What it is made of, or None where there is none."""
        try:
            return Server(**json.loads((self.folder / "server.json").read_text()))
        except FileNotFoundError:
            return None

    def start(self, appliance: Path) -> None:
        """Starts its machine if it does not run."""
        server = self.server()
        if server is None or self.process.pid() is not None:
            return
        (self.folder / "pool" / _OFF).unlink(missing_ok=True)
        binds = {Path(source): target for source, target in server.binds.items()}
        machine = Machine(server.name, appliance, self.folder / "pool", self.folder / "disk", binds=binds)
        variables = {
            "PROMINENCE_CLOUD_ID": self.folder.name,
            "PROMINENCE_ADDRESS": server.address,
            "PROMINENCE_CPUS": server.cores,
            "PROMINENCE_MEMORY": server.memory_mb,
        }
        known = [f"{name}={value}" for name, value in variables.items() if value is not None]
        walled = [sys.executable, str(_WALL), str(self.folder), *server.ways, "--"] if server.ways else []
        self.process.start([*walled, *machine.command(["env", *known, *_first_process(server)])], self.console)

    def wants_off(self) -> bool:
        """Whether somebody in there has called `poweroff` and the like."""
        return (self.folder / "pool" / _OFF).exists()

    def remove(self) -> None:
        """Ends the machine and deletes the folder."""
        self.process.stop(0)
        remove_tree(self.folder)


def _first_process(server: Server) -> list[str]:
    if server.deaf:
        return ["sleep", "infinity"]
    return ["sh", "-c", _STAYING] if server.stays else [_USER_DATA]
