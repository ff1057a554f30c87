#!/usr/bin/python3 -IS
"""Writes what HTCondor needs to know on a worker: what it was told (facts.json) and what its machine tells of itself.

`machine.py [POOL]`, where POOL (/pool) holds facts.json, config/ with the configuration by role, and tokens/. It runs at every
start, since a machine may have another address then. What makes machines may say in the environment what they are:

    PROMINENCE_ADDRESS    the address to be reached at; else that from which the head is reached
    PROMINENCE_CLOUD_ID   the cloud's id of the machine; else the one that Nova gave cloud-init, else empty: not known
    PROMINENCE_CPUS, PROMINENCE_MEMORY   cores, and memory in MB; else all of the machine's
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import re
import shutil
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROLES = ("common", "security", "worker", "server")
STATE = ("run", "log", "lock", "spool", "execute", "sock")
"""Folders of the daemons, which work as the account condor."""
CLOUD_INIT = Path("/var/lib/cloud/data/instance-id")
ACCOUNTS, GROUPS = Path("/etc/passwd"), Path("/etc/group")
FIRST_ACCOUNT, GROUP = 2001, 2000
"""Number of the account slot001, and of the group of all of them."""
_CLOUD_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_NOVA_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Other sources of cloud-init's have ids of their own, such as Ec2's i-0000abcd, by which Nova knows nothing."""


class Machine(NamedTuple):
    """What the machine tells of itself; memory in MB; `cloud_id` is empty where it is not known."""

    address: str
    cloud_id: str
    cpus: int
    memory: int


def look(facts: Mapping[str, Any], environ: Mapping[str, str], cloud_init: Path = CLOUD_INIT) -> Machine:
    """What this machine is. OSError where there is no way to the head."""
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        environ.get("PROMINENCE_ADDRESS") or _source_address(facts["head"], facts["port"]),
        _cloud_id(environ.get("PROMINENCE_CLOUD_ID", ""), cloud_init),
        int(facts["cpus"] or environ.get("PROMINENCE_CPUS") or os.cpu_count() or 1),
        int(facts["memory"] or environ.get("PROMINENCE_MEMORY") or pages >> 20),
    )


def configuration(facts: Mapping[str, Any], machine: Machine, pool: str = "/pool") -> str:
    """The text of condor_config."""
    values = {
        "POOL_DOMAIN": facts["domain"],
        "POOL_HEAD": facts["head"],
        "POOL_PORT": facts["port"],
        "NODE_ADDRESS": machine.address,
        "NODE_NAME": f"{facts['name']}.{facts['domain']}",
        "WORKER_CPUS": machine.cpus,
        "WORKER_MEMORY": machine.memory,
        "WORKER_SITE": facts["site"],
        "WORKER_REGION": facts["region"],
        "WORKER_IMAGE_DIRS": facts["image_dirs"],
        "WORKER_REGISTRY_MIRROR": facts["registry_mirror"],
        "WORKER_SLOTS": f"{pool}/slots.conf",
        "SERVER_UUID": facts["uuid"],
        "SERVER_CLOUD_ID": machine.cloud_id,
        "SERVER_PURPOSE": facts["purpose"],
        "SERVER_PREEMPTIBLE": facts["preemptible"],
        "SERVER_BROKER": "" if facts["reachable"] else f"{facts['head']}:{facts['port']}",
    }
    lines = [f"{name} = {value}" for name, value in values.items()]
    return "\n".join([*lines, *(f"include : {pool}/config/{role}.conf" for role in ROLES), ""])


def slots(cpus: int) -> str:
    """Which account each slot has."""
    return "".join(f"SLOT1_{number}_USER = {account(number)}\n" for number in range(1, cpus + 1))


def account(number: int) -> str:
    """The account of a slot, counted from 1."""
    return f"slot{number:03d}"


def missing_accounts(cpus: int, accounts: str, groups: str) -> tuple[str, str]:
    """What is to be added to the texts of /etc/passwd and /etc/group. ValueError where a number is somebody else's."""
    numbers = {line.split(":")[0]: line.split(":")[2] for line in accounts.splitlines() if line.count(":") >= 2}
    owners = {number: name for name, number in numbers.items()}
    more = ""
    for number in range(1, cpus + 1):
        name, wanted = account(number), str(FIRST_ACCOUNT + number - 1)
        if owners.get(wanted, name) != name:
            raise ValueError(
                f"The number {wanted} of the account {name} is that of {owners[wanted]}: use another image."
            )
        if name not in numbers:
            more += f"{name}:x:{wanted}:{GROUP}::/nonexistent:/usr/sbin/nologin\n"
    return more, "" if re.search("^slots:", groups, re.MULTILINE) else f"slots:x:{GROUP}:\n"


def write(pool: Path, facts: Mapping[str, Any], machine: Machine) -> None:
    """Makes folders, accounts and files. Safe to repeat."""
    for file, text in zip(
        (ACCOUNTS, GROUPS), missing_accounts(machine.cpus, ACCOUNTS.read_text(), GROUPS.read_text()), strict=True
    ):
        if text:
            with file.open("a") as out:
                out.write(text)
    owner, group = pwd.getpwnam("condor").pw_uid, grp.getgrnam("condor").gr_gid
    for name in STATE:
        (pool / name).mkdir(mode=0o755, exist_ok=True)
        shutil.chown(pool / name, owner, group)
    _replace(pool / "slots.conf", slots(machine.cpus))
    _replace(pool / "condor_config", configuration(facts, machine, str(pool)))


def _cloud_id(told: str, cloud_init: Path) -> str:
    """The cloud's id of this machine; empty where it is not known, since a wrong one is worse than none."""
    if told:
        return told if _CLOUD_ID.fullmatch(told) else ""
    given = cloud_init.read_text(errors="replace").strip() if cloud_init.is_file() else ""
    return given if _NOVA_ID.fullmatch(given) else ""


def _replace(file: Path, text: str) -> None:
    new = file.with_name(f".{file.name}")
    new.write_text(text)
    new.rename(file)


def _source_address(head: str, port: int) -> str:
    """The address from which packets go to the head; none is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((head, port))
        return str(probe.getsockname()[0])


def main(pool: Path) -> None:
    """Looks and writes. After a start it may take a moment until there is a way to the head: a minute is waited for it."""
    facts = json.loads((pool / "facts.json").read_text())
    for pause in (*[1] * 60, 0):
        try:
            machine = look(facts, os.environ)
            break
        except OSError:
            if not pause:
                raise
            time.sleep(pause)
    write(pool, facts, machine)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "/pool"))
