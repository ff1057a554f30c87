"""The head of an instance's pool: what it is configured with, started and stopped, and who may do what there.

The pool's signing key is made in the head's folder and never leaves it; only the service and the provisioner read it. The
API's folder holds a token that lets it submit and read.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import DeployError
from deploy.files import write_private
from deploy.home import POOL_PORT, Home, Settings
from deploy.namespaces import Machine, Process, remove_tree

DOMAIN = "prominence"
"""Trust domain of the pool: identities are NAME@prominence."""

HEAD_CONFIGURATION = "/pool/condor_config"
"""HTCondor's configuration of the head, as the head sees it."""

_CONFIGURATION = Path(__file__).parents[1] / "condor_config"
_HEAD_ROLES = ("common", "security", "central_manager", "submit", "policy")
_STATE_FOLDERS = ("run", "log", "lock", "spool", "execute", "sock")
# Daemons started by root work as the account condor, which exists on the node alone.
_START_AS_ROOT = f"cd /pool && chown condor: {' '.join(_STATE_FOLDERS)} && exec condor_master -f"
_SERVICE = ("READ", "WRITE")
"""Rights of the service's own identity: of the REST API, and of DAGMan."""
_PROVISIONER = ("READ", "WRITE", "ADVERTISE_STARTD", "ADMINISTRATOR")
"""Those of the provisioner; what it may with them where, condor_config/ says."""
_TOKEN_LIFETIME = 366 * 24 * 3600
_STOP_PATIENCE = 5.0
_SHARED_PORT = """
USE_SHARED_PORT = True
DAEMON_SOCKET_DIR = /pool/sock
SHARED_PORT_DAEMON_AD_FILE = /pool/lock/shared_port_ad
"""


@dataclass(frozen=True)
class Node:
    """One machine of namespaces that runs HTCondor daemons."""

    name: str
    home: Home
    machine: Machine

    @property
    def folder(self) -> Path:
        """What appears as /pool on it."""
        return self.machine.pool

    @property
    def process(self) -> Process:
        """Its first process, as seen from outside."""
        return Process(self.home.run / f"{self.name}.pid")

    def start(self) -> None:
        """Starts its daemons if they do not run."""
        if self.process.pid() is None:
            command = ["condor_master", "-f"] if self.machine.service else ["sh", "-c", _START_AS_ROOT]
            self.process.start(self.machine.command(command), self.home.log / f"{self.name}.log")

    def stop(self) -> None:
        """Ends its daemons and everything they started."""
        self.process.stop(_STOP_PATIENCE)


def departed(home: Home) -> Path:
    """Folder in which the schedd leaves a file for each job that left the queue; the head sees it under the same path."""
    return home.path / "departed"


def head(home: Home, appliance: Path) -> Node:
    """The node with collector, negotiator and schedd."""
    folder = home.nodes / "head"
    program = home.worker_program.parent
    shared = (home.sandboxes, departed(home))
    binds = {**{path: str(path) for path in shared}, program: f"{program}:ro"}
    machine = Machine("head", appliance, folder / "pool", _disk(folder, appliance), service=True, binds=binds)
    return Node("head", home, machine)


def _disk(folder: Path, appliance: Path) -> Path:
    # What was written over one appliance makes no sense over another.
    return folder / f"disk-{appliance.name}"


def prepare_head(node: Node, settings: Settings) -> None:
    """Writes the head's configuration and, once, its signing key. Safe to repeat."""
    departed(node.home).mkdir(mode=0o700, exist_ok=True)
    folders = {
        "SANDBOXES": str(node.home.sandboxes),
        "PROGRAM": str(node.home.worker_program.parent),
        "DEPARTED": str(departed(node.home)),
    }
    _prepare(node, _HEAD_ROLES, _parameters(settings, node.name, 1) | folders)
    keys = node.folder / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    if not (keys / "POOL").exists():
        write_private(keys / "POOL", secrets.token_urlsafe(64))
    # Daemons that hold only the signing key would be `condor@password`, which nothing here allows anything.
    _issue(node, node.folder / "tokens" / "condor", [])
    _issue(node, node.folder / "tokens" / "operator" / "prominence", [])
    _issue(node, node.folder / "tokens" / "dagman" / "prominence", _SERVICE)


def mint_token(head_node: Node, identity: str, rights: Sequence[str], lifetime: int = _TOKEN_LIFETIME) -> str:
    """An HTCondor token for `identity`, limited to `rights`, valid for `lifetime` seconds; signed on the head."""
    command = ["condor_token_create", "-identity", f"{identity}@{DOMAIN}", "-lifetime", str(lifetime)]
    for right in rights:
        command += ["-authz", right]
    return run_on_head(head_node, command).strip()


def tool(head_node: Node) -> Machine:
    """A machine for one command with the head's configuration and keys; it needs no running head."""
    return Machine("tool", head_node.machine.lower, head_node.folder, service=True)


def run_on_head(head_node: Node, command: Sequence[str], timeout: float = 60) -> str:
    """Output of a command run with the head's configuration and keys, in namespaces of its own."""
    done = subprocess.run(
        tool(head_node).command(command), capture_output=True, text=True, timeout=timeout, check=False
    )
    if done.returncode:
        raise DeployError(f"{command[0]} failed on the head: {done.stderr.strip()[-500:]}")
    return done.stdout


def write_client_configs(settings: Settings, home: Home, head_node: Node) -> None:
    """What the REST API and the provisioner need to speak to the pool: HTCondor configurations and tokens. Safe to repeat."""
    ours, provisioners = home.keys / "condor", home.keys / "provisioner"
    _issue(head_node, ours / "prominence", _SERVICE)
    home.client_config.write_text(_client_config(settings, str(ours), str(home.log)))
    _issue(head_node, provisioners / "provisioner", _PROVISIONER)
    home.provisioner_config.write_text(_client_config(settings, str(provisioners), str(home.log)))


def drain_command(settings: Settings, home: Home, appliance: Path) -> list[str]:
    """How the provisioner runs `condor_drain`, which is in the appliance alone, as itself; options follow. Safe to repeat.

    A worker to which nobody can connect is asked to connect to the command, which it can by the head's one port alone.
    """
    folder = home.path / "provisioner-tool"
    tokens = folder / "tokens"
    tokens.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(tokens / "provisioner", (home.keys / "provisioner" / "provisioner").read_text())
    (folder / "condor_config").write_text(_client_config(settings, "/pool/tokens", "/pool") + _SHARED_PORT)
    headquarters = home.nodes / "head" / "pool"
    binds = {headquarters / "sock": "/pool/sock", headquarters / "lock": "/pool/lock:ro"}
    return Machine("provisioner", appliance, folder, service=True, binds=binds).command(["condor_drain"])


def _client_config(settings: Settings, tokens: str, log: str) -> str:
    parameters = {
        "POOL_DOMAIN": DOMAIN,
        "POOL_HEAD": settings.address(1),
        "POOL_PORT": str(POOL_PORT),
        "CLIENT_TOKENS": tokens,
        "LOG": log,
    }
    return _assignments(parameters) + (_CONFIGURATION / "client.conf").read_text()


def _issue(head_node: Node, file: Path, rights: Sequence[str]) -> None:
    """Makes, once, a token of the identity that the file is named after; without `rights` it may all that the identity may."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    if not file.exists():
        write_private(file, mint_token(head_node, file.name, rights))


def wait_until_ready(node: Node, ready: Callable[[], bool], seconds: float) -> None:
    """Waits until `ready()`; raises DeployError with the end of the node's logs when it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        if node.process.pid() is None or time.monotonic() > deadline:
            raise DeployError(f"{node.name} did not come up.\n{log_tails(node)}")
        time.sleep(0.05)


def listens(settings: Settings) -> bool:
    """Whether the head's shared port accepts connections."""
    try:
        socket.create_connection((settings.address(1), POOL_PORT), 1).close()
    except OSError:
        return False
    return True


def log_tails(node: Node, lines: int = 15) -> str:
    """The ends of all logs of a node, for people."""
    files = [node.home.log / f"{node.name}.log", *sorted((node.folder / "log").glob("*Log"))]
    parts = []
    for file in files:
        if file.is_file():
            tail = file.read_text(errors="replace").splitlines()[-lines:]
            parts.append(f"== {file}\n" + "\n".join(tail))
    return "\n".join(parts)


def _parameters(settings: Settings, name: str, number: int) -> dict[str, str]:
    return {
        "POOL_DOMAIN": DOMAIN,
        "POOL_HEAD": settings.address(1),
        "POOL_PORT": str(POOL_PORT),
        "NODE_ADDRESS": settings.address(number),
        "NODE_NAME": f"{name}.{DOMAIN}",
    }


def _assignments(parameters: Mapping[str, str]) -> str:
    return "".join(f"{key} = {value}\n" for key, value in parameters.items())


def _prepare(node: Node, roles: Sequence[str], parameters: Mapping[str, str]) -> None:
    node.folder.mkdir(parents=True, exist_ok=True)
    node.folder.parent.chmod(0o711)
    node.folder.chmod(0o755)
    for name in _STATE_FOLDERS:
        (node.folder / name).mkdir(mode=0o755, exist_ok=True)
    (node.folder / "tokens").mkdir(mode=0o700, exist_ok=True)
    configuration = node.folder / "config"
    shutil.rmtree(configuration, ignore_errors=True)
    shutil.copytree(_CONFIGURATION, configuration)
    includes = "".join(f"include : /pool/config/{role}.conf\n" for role in roles)
    (node.folder / "condor_config").write_text(_assignments(parameters) + includes)
    _forget_other_disks(node)


def _forget_other_disks(node: Node) -> None:
    for disk in node.folder.parent.glob("disk-*"):
        if disk != node.machine.disk:
            remove_tree(disk)
    if node.machine.disk is not None:
        node.machine.disk.mkdir(exist_ok=True)
