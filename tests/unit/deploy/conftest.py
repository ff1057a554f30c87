"""A Debian archive of one package on this machine's disk, and apt set up to know that archive alone."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_BUSYBOX = """#!/bin/sh
[ "$1" = --list ] && printf 'busybox\\nsh\\nls\\n'
"""


@dataclass(frozen=True)
class Archive:
    """A Debian archive in a folder, which apt reads without any network."""

    folder: Path
    apt: Path
    """Configuration and state of apt."""

    @property
    def address(self) -> str:
        return f"file:{self.folder}/"

    def update(self, *options: str, address: str | None = None) -> None:
        """Tells apt about the archive, as `apt-get update` does."""
        source = f"deb [{' '.join(('trusted=yes', *options))}] {address or self.address} test main\n"
        (self.apt / "sources.list").write_text(source)
        subprocess.run(["apt-get", "update", "-q"], check=True, capture_output=True, timeout=60)


def _package(folder: Path, name: str, file: str, content: str) -> Path:
    root = folder / "package"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: a test\n"
    )
    installed = root / file
    installed.parent.mkdir(parents=True)
    installed.write_text(content)
    installed.chmod(0o755)
    pool = folder / "archive" / "pool"
    pool.mkdir(parents=True)
    done = pool / f"{name}_1_all.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", str(root), str(done)], check=True, capture_output=True)
    return done


def _index(folder: Path, package: Path) -> None:
    content = package.read_bytes()
    fields = subprocess.run(["dpkg-deb", "--field", str(package)], check=True, capture_output=True, text=True).stdout
    packages = (
        f"{fields}Filename: pool/{package.name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
    )
    architecture = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True)
    binary = f"main/binary-{architecture.stdout.strip()}"
    dists = folder / "dists" / "test"
    (dists / binary).mkdir(parents=True)
    (dists / binary / "Packages").write_text(packages)
    digest = hashlib.sha256(packages.encode()).hexdigest()
    (dists / "Release").write_text(
        "Origin: Debian\nLabel: Debian\nSuite: test\nCodename: test\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n"
        f"Architectures: {architecture.stdout.strip()}\nComponents: main\n"
        f"SHA256:\n {digest} {len(packages)} {binary}/Packages\n"
    )


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An archive with the package busybox-static, known to apt in this test and nothing else."""
    package = _package(tmp_path, "busybox-static", "bin/busybox", _BUSYBOX)
    _index(tmp_path / "archive", package)
    apt = tmp_path / "apt"
    for folder in ("lists/partial", "cache/archives/partial", "parts", "preferences"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").touch()
    (apt / "apt.conf").write_text(
        f'Dir::State "{apt}";\nDir::State::lists "{apt}/lists";\nDir::State::status "{apt}/status";\n'
        f'Dir::Cache "{apt}/cache";\nDir::Etc::sourcelist "{apt}/sources.list";\nDir::Etc::sourceparts "{apt}/parts";\n'
        f'Dir::Etc::preferencesparts "{apt}/preferences";\nDir::Etc::preferences "{apt}/none";\n'
        'APT::Sandbox::User "root";\nAcquire::Languages "none";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(apt / "apt.conf"))
    return Archive(tmp_path / "archive", apt)
