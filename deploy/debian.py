"""Debian as this machine is set up to reach it: its mirror, its keyring, single packages unpacked."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from deploy.errors import DeployError

_PATIENCE = 300
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def mirror() -> str:
    """Address of the Debian archive that this machine's own apt uses."""
    address = _archive("Debian")
    if address is None:
        raise DeployError(
            "apt knows no Debian archive on this machine: run `apt-get update` as root, or add one to /etc/apt/sources.list.d/."
        )
    return address


def security() -> str | None:
    """Address of the archive of Debian's security updates that this machine's own apt uses; None: it uses none."""
    return _archive("Debian-Security")


def _archive(wanted: str) -> str | None:
    fields = "$(REPO_URI)|$(LABEL)|$(COMPONENT)"
    done = _run("apt-get", "indextargets", "--format", fields, "Created-By: Packages")
    for line in done.stdout.splitlines():
        address, label, component = line.split("|")
        if label == wanted and component == "main":
            return address
    return None


def unpack(package: str, target: Path) -> None:
    """Downloads one package of this machine's release and unpacks it into `target`, without installing it. Needs no root."""
    with tempfile.TemporaryDirectory() as folder:
        # apt drops its rights to an account of its own for downloads; it must be able to write here.
        Path(folder).chmod(0o777)
        done = _run("apt-get", "download", "-q", package, folder=folder)
        if done.returncode and os.getuid() == 0:
            # The index may name a version that the archive no longer has.
            _run("apt-get", "update", "-q")
            done = _run("apt-get", "download", "-q", package, folder=folder)
        archives = list(Path(folder).glob("*.deb"))
        if done.returncode or not archives:
            raise DeployError(
                f"The Debian package {package} cannot be downloaded: {done.stderr.strip()[-300:]}. "
                "Check that `apt-get update` works."
            )
        target.mkdir(parents=True, exist_ok=True)
        unpacked = _run("dpkg", "-x", str(archives[0]), str(target), folder=folder)
        if unpacked.returncode:
            raise DeployError(f"The Debian package {package} cannot be unpacked: {unpacked.stderr.strip()[-300:]}.")


def _run(*command: str, folder: str = "/") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise DeployError(f"`{' '.join(command)}` took more than {_PATIENCE} s: check the network.") from error
