"""The example image: Debian's busybox as a root file system in a folder, made without any registry."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy import debian

_FOLDERS = ("bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr/bin", "var/tmp")


def ensure(images: Path) -> Path:
    """The folder `busybox` below `images`, made when it is not there. Killed half-way it leaves a temporary folder only."""
    target = images / "busybox"
    if target.is_dir():
        return target
    partial = images / ".busybox.partial"
    shutil.rmtree(partial, ignore_errors=True)
    for folder in _FOLDERS:
        (partial / folder).mkdir(parents=True)
    with tempfile.TemporaryDirectory() as unpacked:
        debian.unpack("busybox-static", Path(unpacked))
        busybox = next(
            path for path in (Path(unpacked) / "bin/busybox", Path(unpacked) / "usr/bin/busybox") if path.exists()
        )
        shutil.copy(busybox, partial / "bin/busybox")
    listed = subprocess.run([partial / "bin/busybox", "--list"], capture_output=True, text=True, check=True, timeout=30)
    for applet in listed.stdout.split():
        if applet != "busybox":
            (partial / "bin" / applet).symlink_to("busybox")
    (partial / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (partial / "etc/group").write_text("root:x:0:\n")
    partial.rename(target)
    return target
