"""What this machine and this user must allow before an instance can run there; each refusal names the remedy."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy.errors import DeployError
from deploy.namespaces import contained, remove_tree, user_namespace

HIGHEST_ID = 65534
"""The account nobody: a Debian root file system needs all ids up to it."""

_NEW = ["--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
_SHOW_MAPS = ["sh", "-c", "cat /proc/self/uid_map; echo; cat /proc/self/gid_map"]


def check_namespaces() -> None:
    """Raises DeployError where this user cannot make the namespaces that nodes need."""
    if os.getuid() == 0:
        _output(["unshare", *_NEW, "true"], "run it on a machine, or in a container that may make namespaces")
        return
    if shutil.which("newuidmap") is None:
        raise DeployError(
            "An ordinary user needs subordinate ids: ask an administrator to run `apt-get install uidmap`."
        )
    # First without subordinate ids: asked for both where namespaces are forbidden, unshare waits for ever.
    _output(["unshare", "--user", *_NEW, "true"], "run it as root, or ask an administrator to allow user namespaces")
    remedy = (
        "ask an administrator for a range of 65536 ids in /etc/subuid and in /etc/subgid (where 100000 to 165535 are free: "
        f"`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {_account()}`)"
    )
    maps = _output(["unshare", *user_namespace(), *_NEW, *_SHOW_MAPS], remedy).split("\n\n")
    for file, ids in zip(("/etc/subuid", "/etc/subgid"), maps, strict=True):
        count = sum(int(line.split()[2]) for line in ids.splitlines())
        if count <= HIGHEST_ID:
            raise DeployError(f"Your range in {file} has only {count} ids: {remedy}.")


def check_overlay(folder: Path) -> None:
    """Raises DeployError where the file system below cannot carry the disks of nodes. `folder` is made and deleted."""
    remove_tree(folder)
    for name in ("lower", "upper", "work", "root"):
        (folder / name).mkdir(parents=True)
    options = f"userxattr,lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
    _output(
        contained(["mount", "-t", "overlay", "overlay", "-o", options, str(folder / "root")]),
        f"{folder} must be on a file system that can be the upper layer of an overlay, as ext4, xfs and tmpfs can (a "
        "container's own cannot): choose another PROMINENCE_HOME",
    )
    remove_tree(folder)


def check_port(address: str, port: int) -> None:
    """Raises DeployError where another program listens there."""
    with socket.socket() as probe:
        # As servers do: connections that have ended are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise DeployError(
                f"Port {port} of {address} cannot be had ({error.strerror}): choose another PROMINENCE_PORT."
            ) from error


def _output(command: Sequence[str], remedy: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)
    except subprocess.TimeoutExpired as error:
        raise DeployError(f"This machine makes no namespaces within 15 s: {remedy}.") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()[:1]
        raise DeployError(f"This machine refuses what workers run in ({''.join(said)}): {remedy}.")
    return done.stdout


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
