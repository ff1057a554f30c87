"""What the report says about the worker: its processor, what the slot gave the job, the runtime's version."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Tuple

from worker import ads

_KB_PER_GB = 1024 * 1024
_MB_PER_GB = 1024


class Machine(NamedTuple):
    """One worker, as far as a job needs to know; memory and disk in GB, the clock in MHz."""

    site: str
    hostname: str
    cpus: int
    memory: float
    disk: float
    cpu: Dict[str, Any]
    image_dirs: Tuple[str, ...]
    registry_mirror: str
    image_cache: str


def describe(ad: ads.Ad, cpuinfo: str, hostname: str) -> Machine:
    """The worker behind a machine ad and the text of ``/proc/cpuinfo``."""
    return Machine(
        site=ads.string(ad, "ProminenceSite"),
        hostname=hostname,
        cpus=int(ads.number(ad, "Cpus")),
        memory=round(ads.number(ad, "Memory") / _MB_PER_GB, 3),
        disk=round(ads.number(ad, "Disk") / _KB_PER_GB, 3),
        cpu=processor(cpuinfo),
        image_dirs=tuple(part for part in ads.string(ad, "ProminenceImageDirs").split(":") if part),
        registry_mirror=ads.string(ad, "ProminenceRegistryMirror"),
        image_cache=ads.string(ad, "ProminenceImageCache"),
    )


def processor(cpuinfo: str) -> Dict[str, Any]:
    """``vendor``, ``model`` and ``clock`` (MHz) of the first processor; empty and zero where it does not say."""
    first: Dict[str, str] = {}
    for line in cpuinfo.splitlines():
        name, colon, value = line.partition(":")
        if not colon and first:
            break
        first.setdefault(name.strip(), value.strip())
    try:
        clock = float(first.get("cpu MHz", "0"))
    except ValueError:
        clock = 0.0
    return {"vendor": first.get("vendor_id", ""), "model": first.get("model name", ""), "clock": clock}


def runtime_version(memory: Path, path: str) -> Optional[str]:
    """The version of the Apptainer found on ``path``, or None where there is none that runs.

    Asking it starts a process, so the answer is kept in the directory ``memory`` for as long as the program's file
    stays the same. That directory may belong to another user or be missing: then each job asks again.
    """
    program = next((file for file in _candidates(path) if file.is_file()), None)
    if program is None:
        return None
    stamp = program.stat()
    kept = memory / f"apptainer-{stamp.st_mtime_ns}-{stamp.st_size}.version"
    try:
        return kept.read_text(encoding="utf-8").strip()
    except OSError:
        version = _ask(program)
    if version:
        _keep(kept, version)
    return version


def _candidates(path: str) -> Tuple[Path, ...]:
    return tuple(Path(directory) / "apptainer" for directory in path.split(":") if directory)


def _ask(program: Path) -> Optional[str]:
    try:
        answer = subprocess.run(
            [str(program), "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    words = answer.stdout.decode("utf-8", "replace").split()
    return words[-1] if words else None


def _keep(kept: Path, version: str) -> None:
    partial = kept.with_name(f".{kept.name}.{os.getpid()}")
    try:
        partial.write_text(version + "\n", encoding="utf-8")
        partial.replace(kept)
    except OSError:
        return  # the next job asks again
