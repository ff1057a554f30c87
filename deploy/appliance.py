"""The appliance: one Debian root file system with HTCondor, Apptainer, udocker and Python, for the head and for workers.

It is built once per recipe into a cache folder, named by the recipe's digest, and never written to afterwards: nodes
lay an overlay over it. A build killed anywhere leaves only a folder with a temporary name, which the next build removes;
what it started ends with it, and holds the lock until then.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy import debian
from deploy.errors import DeployError
from deploy.locks import alone
from deploy.namespaces import contained, remove_tree
from deploy.packages import INSTALL_UDOCKER, PACKAGES, SLOT_ACCOUNTS, UDOCKER, pins, udocker, versions

_PATIENCE = 3600
_CUSTOMIZE = f"""
set -e
chroot "$1" groupadd --gid 1000 service
chroot "$1" useradd --uid 1000 --gid 1000 --home-dir /pool --no-create-home --shell /bin/sh service
chroot "$1" groupadd --gid 2000 slots
for number in $(seq -f %03g 1 {SLOT_ACCOUNTS}); do
    printf 'slot%s:x:%d:2000::/nonexistent:/usr/sbin/nologin\\n' "$number" "$((2000 + 10#$number))" >>"$1/etc/passwd"
done
mkdir -p "$1/pool" "$1/images" "$1/var/cache/prominence"
chmod 1777 "$1/var/cache/prominence"
ln -s ../proc/self/mounts "$1/etc/mtab"  # fusermount3 looks there
chroot "$1" python3 -m compileall -q {UDOCKER}
rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/usr/lib/python3/dist-packages/__pycache__
"""


def small() -> list[str]:
    """How any root file system is made small, and which versions apt takes, as arguments of mmdebstrap."""
    return [
        "--variant=minbase",
        "--format=directory",
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Check-Valid-Until "false"',
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        f'--setup-hook=mkdir -p "$1/etc/apt/preferences.d" && printf %s \'{pins()}\' >"$1/etc/apt/preferences.d/pins"',
    ]


def recipe(packages: Sequence[str] = PACKAGES, further: Sequence[str] = ()) -> list[str]:
    """What decides a root file system's content, as arguments of mmdebstrap; the same list gives the same digest.

    `further` arguments stand behind those of the appliance, so that their hooks see what its hooks made.
    """
    return [
        *small(),
        f'--customize-hook=bash -c {quoted(INSTALL_UDOCKER)} install "$1" {quoted(udocker())}',
        f'--customize-hook=bash -c {quoted(_CUSTOMIZE)} customize "$1"',
        *further,
        f"--include={','.join(packages)}",
        versions()["debian"],
    ]


def digest(recipe: Sequence[str], owner: int) -> str:
    """Name of what `recipe` gives when built by the account `owner`, whose ids stand in its files."""
    return hashlib.sha256(json.dumps([*recipe, owner]).encode()).hexdigest()[:12]


def ensure(cache: Path, say: Callable[[str], None]) -> Path:
    """The appliance's folder below `cache`, built when it is not there; one build at a time, others wait for it."""
    doing = "building the appliance root file system (downloads about 170 MB)"
    return built(cache, "appliance", recipe(), doing, say)


def built(
    cache: Path,
    name: str,
    steps: Sequence[str],
    doing: str,
    say: Callable[[str], None],
    archives: Sequence[str] = (),
) -> Path:
    """The root file system of these steps, a folder below `cache` whose name begins with `name`; built like the appliance.

    `doing` is said before a build. `archives` are lines of apt's sources, beside Debian's release and unstable.
    """
    target = cache / f"{name}-{digest(steps, os.getuid())}"
    if not target.is_dir():
        with alone(cache, say) as lock:
            if not target.is_dir():
                say(doing)
                _build(cache, target, steps, archives, lock)
    return target


def _build(cache: Path, target: Path, steps: Sequence[str], archives: Sequence[str], lock: int) -> None:
    partial = cache / f"{target.name}.partial"
    remove_tree(partial)
    address = debian.mirror()
    name = target.name.rpartition("-")[0]
    log = cache / f"{name}.log"
    command = [
        *_mmdebstrap(cache),
        "--mode=root",
        f"--keyring={debian.KEYRING}",
        *steps,
        str(partial),
        f"deb {address} {steps[-1]} main",
        f"deb {address} sid main",
        *archives,
    ]
    if not _ends_well(contained(command), log, lock):
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        remove_tree(partial)
        raise DeployError(f"The {name} could not be built; the end of {log}:\n{tail}")
    partial.rename(target)


def _ends_well(command: Sequence[str], log: Path, lock: int) -> bool:
    with log.open("wb") as out:
        try:
            done = subprocess.run(
                command,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                pass_fds=[lock],
                env={**os.environ, "BUILDERS_PYTHON": sys.executable},
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            out.write(f"ended: it took more than {_PATIENCE} s\n".encode())
            return False
    return done.returncode == 0


def _mmdebstrap(cache: Path) -> list[str]:
    """The build tool: the machine's own, or (it is one Perl script) out of its package, which needs no root."""
    installed = shutil.which("mmdebstrap")
    if installed:
        return [installed]
    tools = cache / "tools"
    if not tools.is_dir():
        partial = cache / "tools.partial"
        remove_tree(partial)
        debian.unpack("mmdebstrap", partial)
        partial.rename(tools)
    return ["perl", str(tools / "usr" / "bin" / "mmdebstrap")]


def quoted(script: str) -> str:
    """`script` as one word of a shell."""
    return "'" + script.replace("'", "'\\''") + "'"
