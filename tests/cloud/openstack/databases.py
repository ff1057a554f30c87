"""The services' databases: made by their own migrations, and moved to another folder and other addresses."""

from __future__ import annotations

import base64
import os
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from tests.cloud.openstack.configuration import database_url
from tests.cloud.openstack.errors import CloudError
from tests.cloud.openstack.installation import Installation
from tests.cloud.openstack.place import Place

ADMIN = "admin"
ADMIN_PASSWORD = "of-the-admin"
_PATIENCE = 600
# Neutron's migrations are not made for SQLite.
_NEUTRON_TABLES = """
import sys
import sqlalchemy
from neutron.db.migration.models import head
head.get_metadata().create_all(sqlalchemy.create_engine(sys.argv[1]))
"""


def create(place: Place, installation: Installation) -> None:
    """Creates all databases, with the identity service's first user. The configuration files must be there."""
    for keys in ("fernet", "credential"):
        new_keys(place.state, keys)
    cells = (database_url(place, "nova_cell0"), database_url(place, "nova_cell1"))
    commands = (
        ("keystone-manage", *_configured(place, "keystone"), "db_sync"),
        ("keystone-manage", *_configured(place, "keystone"), "bootstrap", *_bootstrap(place)),
        ("placement-manage", *_configured(place, "placement"), "db", "sync"),
        ("glance-manage", *_configured(place, "glance-api"), "db_sync"),
        ("python", "-c", _NEUTRON_TABLES, database_url(place, "neutron")),
        ("nova-manage", *_configured(place, "nova"), "api_db", "sync"),
        ("nova-manage", *_configured(place, "nova"), "cell_v2", "map_cell0", "--database_connection", cells[0]),
        ("nova-manage", *_configured(place, "nova"), "cell_v2", "create_cell", "--name", "cell1"),
        ("nova-manage", *_configured(place, "nova"), "db", "sync"),
    )
    for name, *arguments in commands:
        _run([installation.program(name), *arguments], installation.environ(place.settings))
    for file in place.state.glob("*.sqlite"):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")


def move(state: Path, replacements: Mapping[str, str]) -> None:
    """Replaces what addresses and paths begin with, wherever they stand in the databases. Nothing may have them open."""
    for file in sorted(state.glob("*.sqlite")):
        with closing(sqlite3.connect(file)) as connection, connection:
            for table, column in _text_columns(connection):
                for old, new in replacements.items():
                    connection.execute(
                        f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?) WHERE instr("{column}", ?)',
                        (old, new, old),
                    )


def new_keys(state: Path, name: str) -> None:
    """Keys of the identity service's own: `fernet`, by which a token of one cloud is none at another, or `credential`."""
    folder = state / name
    folder.mkdir(mode=0o700, exist_ok=True)
    for number in ("0", "1"):
        (folder / number).write_bytes(base64.urlsafe_b64encode(os.urandom(32)))
        (folder / number).chmod(0o600)


def _text_columns(connection: sqlite3.Connection) -> Sequence[tuple[str, str]]:
    kinds = ("CHAR", "TEXT", "CLOB")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = ((table, row[1], row[2].upper()) for table in tables for row in _columns(connection, table))
    return [(table, column) for table, column, kind in columns if any(word in kind for word in kinds)]


def _columns(connection: sqlite3.Connection, table: str) -> list[tuple[object, str, str]]:
    return connection.execute(f'PRAGMA table_info("{table}")').fetchall()


def _configured(place: Place, name: str) -> tuple[str, str]:
    return "--config-file", str(place.settings / f"{name}.conf")


def _bootstrap(place: Place) -> Sequence[str]:
    words = [
        "--bootstrap-username",
        ADMIN,
        "--bootstrap-password",
        ADMIN_PASSWORD,
        "--bootstrap-region-id",
        "RegionOne",
    ]
    for interface in ("admin", "internal", "public"):
        words += [f"--bootstrap-{interface}-url", place.url("identity", public=interface == "public")]
    return words


def _run(command: Sequence[str], environ: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise CloudError(f"{Path(command[0]).name} took more than {_PATIENCE} s.") from error
    if done.returncode:
        raise CloudError(f"{' '.join(command)[:300]} failed:\n{(done.stdout + done.stderr)[-3000:]}")
