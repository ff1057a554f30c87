"""An instance whose provisioner a test has in its hands: it writes the sites, starts provisioners, and kills them.

Servers of the tests' clouds reach the pool of the instance on loopback, and see none of its folders.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from cloud_provisioner.servers.record import Intent
from cloud_provisioner.store.health import SiteHealth
from cloud_provisioner.store.reader import Reader
from cloud_provisioner.store.schema import open_database
from deploy import nodes, provisioner
from deploy.files import write_private
from deploy.home import from_environment
from deploy.instance import Instance
from deploy.namespaces import Machine
from pool.attributes import Machine as Attribute
from tests.cloud import archive
from tests.cloud.openstack import people
from tests.cloud.openstack.place import Place
from tests.pool.conftest import User

SERVICE = "prominence"
PATIENCE = 60.0
_LOOK = 0.05
_INVALIDATE = "import sys; from pool.head import Head; Head('prominence@').invalidate(sys.argv[1:])"
_TABLES: Mapping[str, Mapping[str, object]] = {
    "pace": {"cycle": 0.5, "list_busy": 1, "list_calm": 2, "offer": 10, "patience": 10, "lease": 5},
    "times": {"pool_settling": 10, "lost": 60, "leaks_apart": 3},
    "workers": {"idle_limit": 600, "silence_limit": 600},
}


T = TypeVar("T")


def until(what: Callable[[], T], seconds: float = PATIENCE, why: Callable[[], object] = lambda: "") -> T:
    """What `what` gives, once it is something. Fails with what `why` tells after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, why()
        time.sleep(_LOOK)
    return found


@dataclass
class Provisioner:
    """A provisioner that runs."""

    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """As kill -9 does."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """As an operator does."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(errors="replace")

    def acts(self) -> bool:
        """Whether it has had the lease."""
        return "this provisioner acts" in self.said()


@dataclass
class House:
    """One test's use of the instance."""

    instance: Instance
    image: str
    """Address of an image for jobs."""
    provisioners: list[Provisioner] = field(default_factory=list)

    def describe(self, name: str, place: Place, **more: object) -> None:
        """Adds a site, or replaces its description: open to everybody, in the project `biology`, one flavor."""
        described: dict[str, object] = {
            "name": name,
            "driver": "openstack",
            "endpoint": place.keystone,
            "credentials": {"type": "password", "username": people.USER, "password": {"env": "PASSWORD"}},
            "vos": {"*": {"project_name": "biology"}},
            "image": {"name": "prominence-worker"},
            "flavors": {"names": ["small"]},
            "networks": ["private"],
            "keep_alive": 2,
        }
        self.write(f"{name}.yaml", json.dumps(described | more, indent=1))

    def write(self, name: str, text: str) -> None:
        """Writes a file into the folder of sites, all of it at once."""
        partial = self.instance.home.sites / f".{name}"
        write_private(partial, text)
        partial.rename(self.instance.home.sites / name)

    def start(
        self, instance: str = "first", *program: str, environ: Mapping[str, str] | None = None, **tables: Any
    ) -> Provisioner:
        """Starts a provisioner; `program` runs it instead of its own, `tables` changes the settings, key by key."""
        home = self.instance.home
        settings = tomllib.loads(home.provisioner_settings.read_text()) | {"instance": instance, "metrics": ""}
        for changes in (_TABLES, tables):
            for name, value in changes.items():
                settings[name] = {**settings.get(name, {}), **value} if isinstance(value, Mapping) else value
        file = home.path / f"provisioner-{instance}.toml"
        write_private(file, _toml(settings))
        everything = {
            **provisioner.environment(home),
            "PASSWORD": people.USER_PASSWORD,
            "PROMINENCE_PROVISIONER": str(file),
            **(environ or {}),
        }
        command = [sys.executable, "-m", *(program or ("cloud_provisioner", "run"))]
        log = home.log / f"provisioner-{instance}-{len(self.provisioners)}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                env=everything,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
            )
        self.provisioners.append(Provisioner(process, log))
        return self.provisioners[-1]

    def admin(self, *words: str, instance: str = "first", status: int = 0) -> str:
        """What `prominence-admin` prints, once it has ended with `status`."""
        home = self.instance.home
        settings = str(home.path / f"provisioner-{instance}.toml")
        command = [sys.executable, "-m", "cloud_provisioner", "--settings", settings, *words]
        environ = {**provisioner.environment(home), "PASSWORD": people.USER_PASSWORD}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status, (done.stdout, done.stderr)
        return done.stdout

    def user(self, name: str = "alice", groups: tuple[str, ...] = ()) -> User:
        """Somebody who speaks to the API."""
        return User(self.instance, name, groups)

    def submit(self, user: User, cmd: str = "true", **more: Any) -> int:
        """Submits a job of one core."""
        return user.submit(cmd, tasks=[{"image": self.image, "cmd": cmd}], **more)

    def records(self) -> list[Intent]:
        """The records of servers."""
        return self.reader.intents()

    def health(self, name: str) -> SiteHealth | None:
        """How a site does, as the provisioner said last."""
        return next((one for one in self.reader.sites() if one.place == name), None)

    def workers(self) -> list[str]:
        """The servers (uuids) of the workers in the collector, one for each ad of a worker."""
        ours = ["-constraint", f"PartitionableSlot && {Attribute.SERVER} isnt undefined"]
        return nodes.run_on_head(self.head, ["condor_status", *ours, "-af", Attribute.SERVER]).split()

    @property
    def head(self) -> nodes.Node:
        """The head of the pool."""
        return nodes.head(self.instance.home, self.instance._appliance())

    def forget(self) -> None:
        """Ends what the test has started, and takes from queue, records, folder of sites and collector what it has left."""
        for one in self.provisioners:
            one.kill()
        self.remove_jobs()

    def remove_jobs(self) -> None:
        """Takes all jobs out of the queue."""
        for how in ([], ["-forcex"]):
            command = ["condor_rm", "-name", "prominence@", "-constraint", "true", *how]
            # It fails where there is none.
            subprocess.run(nodes.tool(self.head).command(command), capture_output=True, timeout=60, check=False)

    def prepare(self) -> None:
        """Makes the folder of sites empty, and new records."""
        home = self.instance.home
        for file in home.sites.iterdir():
            file.unlink()
        for file in (home.path / "provisioner").iterdir():
            file.unlink()
        for log in home.log.glob("provisioner*.log"):
            log.unlink()
        command = [sys.executable, "-m", "cloud_provisioner", "migrate"]
        subprocess.run(command, env=provisioner.environment(home), check=True, timeout=60)
        if left := self.workers():
            environ = provisioner.environment(home)
            subprocess.run([sys.executable, "-c", _INVALIDATE, *left], env=environ, check=True, timeout=60)

    @property
    def reader(self) -> Reader:
        """The records of the provisioners, as others see them."""
        settings = tomllib.loads(self.instance.home.provisioner_settings.read_text())
        return Reader(open_database(settings["database"]))


def _toml(settings: Mapping[str, Any]) -> str:
    """A TOML file of inline tables alone."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in settings.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)  # strings, numbers and truth values are TOML's


@contextmanager
def instance_for(home: Path, port: int) -> Iterator[tuple[Instance, str]]:
    """A started instance without sites or provisioner, and the address of an image; prints its logs at the end."""
    started = Instance(replace(from_environment(os.environ), home=home, port=port, workers=0))
    try:
        started.start(print)
        provisioner.stop(started.home)
        with archive.served(started.home.images / "busybox") as image:
            yield started, image
    finally:
        for folder in sorted(started.home.nodes.glob("*")):
            machine = Machine(folder.name, started.home.path, folder / "pool")
            print(nodes.log_tails(nodes.Node(folder.name, started.home, machine)))
        started.clean()
