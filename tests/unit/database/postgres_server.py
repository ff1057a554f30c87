"""A PostgreSQL server for the tests: from Debian's package, on a socket in a folder of its own, as an unprivileged account."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

_ACCOUNT = 65534  # nobody: PostgreSQL refuses to run as root


class PostgresServer:
    """Made, started, killed and started again by tests."""

    def __init__(self) -> None:
        self.programs = _programs()
        self.folder = Path(tempfile.mkdtemp(prefix="records-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        if os.getuid() == 0:
            os.chown(self.folder, _ACCOUNT, _ACCOUNT)
        command = [self.programs / "initdb", "-D", self.folder / "data", "-U", "tester", "-E", "UTF8", "--no-sync"]
        subprocess.run(
            self._as_account([*map(str, command), "--auth=trust"]), check=True, capture_output=True, timeout=60
        )

    def start(self) -> None:
        """Starts it, if it does not run, and waits until it answers."""
        if self._process is not None:
            return
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder)]
        for setting in ("listen_addresses=", "fsync=off", "shared_buffers=16MB", "max_connections=60"):
            command += ["-c", setting]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._as_account(command), stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def kill(self) -> None:
        """Ends it at once, and every transaction with it."""
        self._signal(signal.SIGQUIT)

    def stop(self) -> None:
        """Ends it and deletes its folder."""
        self.kill()
        shutil.rmtree(self.folder)

    def freeze(self) -> None:
        """Makes it and all its processes stand still."""
        self._to_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        self._to_all(signal.SIGCONT)

    def emptied(self) -> str:
        """The address of its one database, in which nothing is left."""
        with psycopg.connect(self._info(), autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return f"postgresql+psycopg://tester@/postgres?host={self.folder}"

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    def _to_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in (self._process.pid, *map(int, children)):
            os.kill(pid, number)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._info(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _info(self) -> str:
        return f"host={self.folder} user=tester dbname=postgres"

    @staticmethod
    def _as_account(command: list[str]) -> list[str]:
        if os.getuid() != 0:
            return command
        return ["setpriv", f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--clear-groups", "--pdeathsig=KILL", *command]


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    assert found, "these tests need Debian's package postgresql: apt-get install postgresql"
    return found[-1].parent
