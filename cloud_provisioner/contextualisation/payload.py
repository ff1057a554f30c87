"""What a worker's script carries: an archive of HTCondor's configuration, the worker's facts and its token."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
from pathlib import Path

from cloud_provisioner.contextualisation.facts import WorkerFacts

CARRIED = (
    "common.conf",
    "security.conf",
    "worker.conf",
    "server.conf",
    "image_keeper.py",
    "machine.py",
    "dead_man.py",
)
"""Files of condor_config/ that a worker needs."""
_CONFIGURATION = Path(__file__).parents[2] / "condor_config"
_LINE = 76


def payload(facts: WorkerFacts) -> str:
    """The archive (tar, gzip) in base64, in lines; the same for the same facts."""
    packed = io.BytesIO()
    # gzip would note the time, and tar those of the files and who owns them.
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as pressed,
        tarfile.open(fileobj=pressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        _folder(archive, "config", 0o755)
        for name in CARRIED:
            mode = 0o755 if name.endswith(".py") else 0o644
            _file(archive, f"config/{name}", (_CONFIGURATION / name).read_bytes(), mode)
        _file(archive, "facts.json", json.dumps(facts.told(), indent=1).encode(), 0o644)
        _folder(archive, "tokens", 0o700)
        _file(archive, "tokens/worker", facts.token.encode(), 0o600)
    text = base64.b64encode(packed.getvalue()).decode()
    return "\n".join(text[place : place + _LINE] for place in range(0, len(text), _LINE))


def _folder(archive: tarfile.TarFile, name: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    archive.addfile(entry)


def _file(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
