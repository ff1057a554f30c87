"""Packs the executor into one executable file: ``python -m worker.build OUT.pyz``.

An unchanged source gives identical bytes (sorted names, fixed times and permissions, no compression), so HTCondor and
people can tell by a checksum whether two executors are the same.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

SHEBANG = b"#!/usr/bin/python3\n"
MAIN = """\
import os
import sys

from worker.executor import main

sys.exit(main(os.environ))
"""
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LEFT_OUT = ("build.py", "__main__.py")


def build(out: Path, source: Path = Path(__file__).parent) -> None:
    """Write the executor made of the package in ``source`` to ``out``, mode 0755. Raises OSError."""
    names = sorted(path.relative_to(source).as_posix() for path in source.rglob("*.py"))
    partial = out.with_name(out.name + ".partial")
    with partial.open("wb") as file:
        file.write(SHEBANG)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            _add(archive, "__main__.py", MAIN.encode())
            for name in names:
                if name not in _LEFT_OUT:
                    _add(archive, f"{source.name}/{name}", (source / name).read_bytes())
    partial.chmod(0o755)
    partial.replace(out)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def main(arguments: list[str]) -> int:
    """The command line; the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m worker.build OUT.pyz\n")
        return 2
    build(Path(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
