"""A service as admins meet it: a settings file, a database, a folder of sites; and a provisioner that acts, or did."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cloud_provisioner.cli import main
from cloud_provisioner.store.reader import Reader
from cloud_provisioner.store.schema import migrate, open_database
from database.transactions import Database
from tests.unit.cloud_provisioner.store.acting import Acting, Clock

HERE = "name: here\ndriver: local\nappliance: /a\nfolder: /f\ntier: 2\nlimits: {servers: 4}\n"


@dataclass
class AdminService:
    """`acting` has the lease, by the clock of this machine, once it has acquired it."""

    folder: Path
    database: Database
    acting: Acting
    capsys: pytest.CaptureFixture[str]

    @property
    def reader(self) -> Reader:
        return Reader(self.database)

    def describe(self, name: str, text: str) -> None:
        (self.folder / "sites.d" / f"{name}.yaml").write_text(text)

    def run(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of a command."""
        code = main(["--settings", str(self.folder / "provisioner.toml"), *words])
        out, err = self.capsys.readouterr()
        return code, out, err

    def rows(self, *words: str) -> list[list[str]]:
        """The rows of a table that a command prints, as words."""
        code, out, err = self.run(*words)
        assert (code, err) == (0, ""), err
        return [line.split() for line in out.splitlines()]

    def json(self, *words: str) -> Any:
        code, out, _ = self.run(*words, "--json")
        assert code == 0
        return json.loads(out)


def made(folder: Path, capsys: pytest.CaptureFixture[str], more: Sequence[str] = ()) -> AdminService:
    """A service in an empty folder. `more` are lines of its settings."""
    address = f"sqlite:///{folder}/provisioner.sqlite"
    (folder / "sites.d").mkdir()
    lines = (
        'name = "service"',
        f'sites = "{folder}/sites.d"',
        f'database = "{address}"',
        *more,
        "[pool]",
        'head = "127.0.0.1"',
        'domain = "prominence"',
        f'signing_key = "{folder}/POOL"',
    )
    (folder / "provisioner.toml").write_text("\n".join(lines))
    migrate(address)
    database = open_database(address)
    return AdminService(folder, database, Acting(database, Clock(time.time())), capsys)
