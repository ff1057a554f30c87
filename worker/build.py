"""Packs the executor into one executable file: ``python -m worker.build OUT.pyz [PYTHON...]``.

An unchanged source gives identical bytes (sorted names, fixed times and permissions, no compression), so HTCondor and
people can tell by a checksum whether two executors are the same.

Compiling its modules is most of the executor's start. ``PYTHON...``, the command of the Python that workers have, does that
once, here; a worker with another version passes over what was compiled and compiles the source, which is there as well.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Dict, Sequence

SHEBANG = b"#!/usr/bin/python3\n"
MAIN = """\
import os
import sys

from worker.executor import main

sys.exit(main(os.environ))
"""
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LEFT_OUT = ("build.py", "__main__.py")
_PATIENCE = 300
# Run by the workers' Python. Unchecked: what is compiled counts as being of the source beside it, whatever the times say.
_COMPILE = """\
import base64, importlib.util, json, marshal, sys
def compiled(name, source):
    code = compile(source, name, "exec", dont_inherit=True)
    flags = (1).to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source.encode()) + marshal.dumps(code)
json.dump({n: base64.b64encode(compiled(n, s)).decode() for n, s in json.load(sys.stdin).items()}, sys.stdout)
"""


def build(out: Path, source: Path = Path(__file__).parent, python: Sequence[str] = ()) -> None:
    """Write the executor made of the package in ``source`` to ``out``, mode 0755.

    ``python`` is the command that starts the workers' Python, which compiles the modules. Raises OSError, and SubprocessError
    where that command fails.
    """
    paths = sorted(path.relative_to(source).as_posix() for path in source.rglob("*.py"))
    sources = {
        f"{source.name}/{name}": (source / name).read_text(encoding="utf-8") for name in paths if name not in _LEFT_OUT
    }
    compiled = _compiled(sources, python) if python else {}
    partial = out.with_name(out.name + ".partial")
    with partial.open("wb") as file:
        file.write(SHEBANG)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            _add(archive, "__main__.py", MAIN.encode())
            for name, text in sources.items():
                _add(archive, name, text.encode())
                if name in compiled:
                    _add(archive, f"{name}c", compiled[name])
    partial.chmod(0o755)
    partial.replace(out)


def _compiled(sources: Dict[str, str], python: Sequence[str]) -> Dict[str, bytes]:
    done = subprocess.run(
        [*python, "-I", "-c", _COMPILE],
        input=json.dumps(sources),
        stdout=subprocess.PIPE,
        text=True,
        timeout=_PATIENCE,
        check=True,
    )
    return {name: base64.b64decode(text) for name, text in json.loads(done.stdout).items()}


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def main(arguments: list[str]) -> int:
    """The command line; the exit code."""
    if not arguments:
        sys.stderr.write("usage: python -m worker.build OUT.pyz [PYTHON...]\n")
        return 2
    build(Path(arguments[0]), python=arguments[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
