"""The servers of a local site: a folder each, in which stands what is known of it.

    CLOUD-ID/metadata.json   who asked for it and what for; there before anything else is
    CLOUD-ID/wanted          there until it is to be deleted
    CLOUD-ID/pid             its first process, once it was started
    CLOUD-ID/pool            what it sees as /pool, with its user data
    CLOUD-ID/disk            what it writes
    CLOUD-ID/console.log     what it prints
    .new-CLOUD-ID            being made: no process of it was ever started
    .gone-CLOUD-ID           being removed: no process of it is left
    .lock                    held while a folder is being made and given its address

Races thought of, with deaths between any two lines:

- A folder appears by one rename, with its metadata; who dies before that leaves a `.new-` that the next one removes.
- A process notes itself before it becomes the machine, and then looks whether it is still wanted. Who deletes takes the wish
  away first and looks for the process after that. So either the process sees that it is not wanted, or it is seen.
- The machine is known by its folder's name, which no other ever has, in its own list of mounts: a process id that is somebody
  else's by now is not taken for it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from cloud_provisioner.servers.views import Status
from deploy.files import write_private
from deploy.namespaces import Process, remove_tree

STARTING = 15.0
"""Seconds after which a server without a process is not being started any more: who made it was killed."""
UUID = re.compile(r"[0-9a-f]{32}")
_CLOUD_ID = re.compile(rf"{UUID.pattern}-[0-9a-f]{{8}}")
_NEW, _GONE = ".new-", ".gone-"
_STEP = 0.005
_WANTED = '[ -e "$0" ] && exec "$@"'


@dataclass(frozen=True, slots=True)
class Metadata:
    """What was asked for. `made_at` in epoch seconds."""

    uuid: str
    name: str
    service: str
    flavor: str
    vo: str
    address: str
    made_at: float


@dataclass(frozen=True, slots=True)
class Server:
    """One server, as its folder tells it; `metadata` is None where the folder is a ruin."""

    folder: Path
    metadata: Metadata | None

    @property
    def cloud_id(self) -> str:
        """The cloud's id of it."""
        return self.folder.name

    @property
    def uuid(self) -> str:
        """Our uuid, which stands in its id as well."""
        return self.cloud_id.partition("-")[0]

    @property
    def process(self) -> Process:
        """Its first process, as seen from outside."""
        return Process(self.folder / "pid")

    def status(self, now: float) -> Status:
        """What has become of it; `now` in epoch seconds."""
        if self.process.pid() is not None:
            return Status.ACTIVE
        if self.process.file.exists():
            return Status.STOPPED
        young = self.metadata is not None and abs(now - self.metadata.made_at) < STARTING
        return Status.BUILD if young else Status.ERROR

    def start(self, command: Sequence[str]) -> None:
        """Starts its first process, unless it is no longer wanted. OSError where that cannot be."""
        wanted = ["sh", "-c", _WANTED, str(self.folder / "wanted"), *command]
        self.process.start(wanted, self.folder / "console.log")


@contextmanager
def alone(site: Path, patience: float) -> Iterator[None]:
    """Holds the site's folder. TimeoutError after `patience` seconds."""
    descriptor = os.open(site / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{site} is held by another process") from None
                time.sleep(_STEP)
        yield
    finally:
        os.close(descriptor)


def servers(site: Path) -> list[Server]:
    """All servers of a site. OSError where the folder cannot be read to its end."""
    found = (_read(folder) for folder in sorted(site.iterdir()) if _CLOUD_ID.fullmatch(folder.name))
    return [server for server in found if server is not None]


def find(site: Path, cloud_id: str) -> Server | None:
    """The server of an id, None where there is none. Whatever is given as an id leads to no other file."""
    return _read(site / cloud_id) if _CLOUD_ID.fullmatch(cloud_id) else None


def make(site: Path, metadata: Metadata, user_data: str) -> Server:
    """Writes down a new server, whole or not at all. OSError where there is no room. The caller holds the site's folder."""
    _sweep(site)
    cloud_id = f"{metadata.uuid}-{secrets.token_hex(4)}"
    new = site / (_NEW + cloud_id)
    new.mkdir(mode=0o700)
    write_private(new / "metadata.json", json.dumps(asdict(metadata), indent=1))
    for below in (new / "pool", new / "disk", new / "disk" / "upper"):
        below.mkdir()
        below.chmod(0o755)  # accounts of slots go through them, whatever this process's mask is
    descriptor = os.open(new / "pool" / "user-data", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(user_data)
    (new / "wanted").touch()
    new.rename(site / cloud_id)
    return Server(site / cloud_id, metadata)


def remove(site: Path, cloud_id: str, patience: float) -> bool:
    """Ends a server and deletes all of it; whether nothing is left. DeployError where its folder cannot be deleted."""
    if not _CLOUD_ID.fullmatch(cloud_id):
        return True
    folder, gone = site / cloud_id, site / (_GONE + cloud_id)
    with suppress(FileNotFoundError):
        (folder / "wanted").unlink()
    if not _ended(folder, patience):
        return False
    # Another one may be deleting it as well.
    with suppress(FileNotFoundError):
        folder.rename(gone)
    remove_tree(gone, patience=patience)
    with suppress(TimeoutError), alone(site, 0):
        _sweep(site)
    return True


def remove_all(site: Path, patience: float) -> bool:
    """Removes all servers of a site, `patience` seconds for each; whether nothing is left of them."""
    if not site.is_dir():
        return True
    # Those whose removal somebody began and did not end have another name already.
    ids = [folder.name.removeprefix(_GONE) for folder in site.iterdir()]
    return not [cloud_id for cloud_id in ids if not remove(site, cloud_id, patience)]


def _sweep(site: Path) -> None:
    remove_tree(*site.glob(f"{_NEW}*"))


def _read(folder: Path) -> Server | None:
    try:
        metadata = Metadata(**json.loads((folder / "metadata.json").read_text()))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return Server(folder, None) if folder.is_dir() else None
    return Server(folder, metadata)


def _ended(folder: Path, patience: float) -> bool:
    """Kills all that belongs to a server, and whether it is gone within `patience` seconds."""
    try:
        leader, started = (folder / "pid").read_text().split()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return True
    deadline = time.monotonic() + patience
    while members := _members(leader, started, folder.name):
        if time.monotonic() > deadline:
            return False
        for pid in (pid for pid, sure in members.items() if sure):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_STEP)
    return True


def _members(leader: str, started: str, name: str) -> dict[int, bool | None]:
    """The processes of a server's session, each with whether it is surely of it.

    Its first process began the session, and its machine stays in it; what begins one of its own within the machine ends
    with the machine. The number of the leader may be somebody else's by now, and then so is the session.
    """
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
                if fields[3] == leader and fields[0] not in "ZX":
                    found[folder.name] = fields[19]
    if leader in found:
        return dict.fromkeys(map(int, found), True) if found[leader] == started else {}
    belongs = {int(pid): _belongs(pid, name) for pid in found}
    return {pid: sure for pid, sure in belongs.items() if sure is not False}


def _belongs(pid: str, name: str) -> bool | None:
    """Whether a process is on its way to a server's machine, or in it; None while it is becoming another program."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        return name.encode() in words + Path(f"/proc/{pid}/mountinfo").read_bytes() if words else None
    return False
