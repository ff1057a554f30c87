"""What a worker needs beside Debian itself, and where it comes from: for the appliance and for stock images alike."""

from __future__ import annotations

import tomllib
from pathlib import Path

VERSIONS = Path(__file__).parents[1] / "versions.toml"
SLOT_ACCOUNTS = 128
"""Accounts slot001 to slot128, one for each job that may run at a time on a worker."""

PACKAGES = ("condor", "apptainer", "python3", "ca-certificates", "proot", "curl", "rclone", "fuse3")
# Apptainer is in Debian unstable alone, and so is a PRoot that ends a container with its first process: from there come
# these two packages, and nothing else follows them. The index of unstable may be older than its validity on a mirror
# that lags, so its date is not checked (its signature is).
_PINS = """Package: *
Pin: release n=sid
Pin-Priority: -10

Package: apptainer
Pin: release n=sid
Pin: version {apptainer}.*
Pin-Priority: 990

Package: proot
Pin: release n=sid
Pin: version {proot}.*
Pin-Priority: 990

Package: condor
Pin: version {htcondor}.*
Pin-Priority: 990

Package: rclone
Pin: version {rclone}.*
Pin-Priority: 990
"""
UDOCKER = "/opt/udocker"
# udocker is on PyPI alone. pip is that of whoever builds: Debian's would be installed for this one package.
INSTALL_UDOCKER = f"""
set -e
install -d "$1{UDOCKER}"
printf '%s\\n' "$2" >"$1{UDOCKER}/requirements.txt"
"$BUILDERS_PYTHON" -m pip install -q --disable-pip-version-check --no-deps --no-compile --require-hashes \\
    --target "$1{UDOCKER}" -r "$1{UDOCKER}/requirements.txt"
printf '%s\\n' '#!/usr/bin/python3 -I' 'import sys' 'sys.path.insert(0, "{UDOCKER}")' \\
    'from udocker.maincmd import main' 'main()' >"$1/usr/local/bin/udocker"
chmod 755 "$1/usr/local/bin/udocker"
"""


def versions() -> dict[str, str]:
    """Release of Debian, and the series of each package that is pinned."""
    return dict(tomllib.loads(VERSIONS.read_text())["appliance"])


def pins() -> str:
    """apt's preferences: which versions of what, and nothing else from unstable."""
    return _PINS.format_map(versions())


def udocker() -> str:
    """The requirement, with its hash, of the one package that comes from PyPI."""
    return f"udocker=={versions()['udocker']} --hash=sha256:{versions()['udocker_sha256']}"
