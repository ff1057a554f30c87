"""An ordinary user of this machine, who is there for one command at a time and leaves nothing in /etc."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy import appliance

ROOT = Path(__file__).parents[2]
_LENT = 65536
"""So many accounts an ordinary user has for namespaces."""
# What the account sees of /etc is its own; the checkout may be in a folder that is closed to others.
_ENTER = """
set -eu
etc=$1 root=$2 closed=$3 account=$4
shift 4
for file in passwd group subuid subgid; do mount --bind "$etc/$file" "/etc/$file"; done
if [ -n "$closed" ]; then
    mount --bind "$root" /mnt
    mount -t tmpfs -o mode=755 tmpfs "$closed"
    mkdir -p "$root"
    mount --move /mnt "$root"
fi
cd "$root"
exec setpriv --reuid "$account" --regid "$account" --clear-groups --inh-caps -all -- "$@"
"""


@dataclass(frozen=True)
class Ordinary:
    """The user: everything of it is below `folder`."""

    folder: Path
    account: int = 4242
    lent: int = 2**20
    """The first of the accounts that it has for namespaces."""

    def make(self) -> None:
        """The folder, and the files of accounts that the user's commands see."""
        own, etc = self.folder / "own", self.folder / "etc"
        for folder in (own, etc):
            folder.mkdir(parents=True)
        os.chown(own, self.account, self.account)
        number = self.account
        lines = {
            "passwd": f"ordinary:x:{number}:{number}::{own}:/bin/sh",
            "group": f"ordinary:x:{number}:",
            "subuid": f"ordinary:{self.lent}:{_LENT}",
            "subgid": f"ordinary:{self.lent}:{_LENT}",
        }
        for name, line in lines.items():
            before = Path("/etc", name).read_text() if name in ("passwd", "group") else ""
            (etc / name).write_text(f"{before}{line}\n")

    def lend(self, root: Path) -> None:
        """Copies an appliance of root's into the user's cache, as if the user had built it."""
        name = f"appliance-{appliance.digest(appliance.recipe(), self.account)}"
        copy = self.folder / "own" / "cache" / name
        copy.parent.mkdir()
        os.chown(copy.parent, self.account, self.account)
        subprocess.run(["cp", "-a", "--reflink=auto", str(root), str(copy)], check=True, timeout=300)
        for path in (copy, *copy.rglob("*")):
            found = path.lstat()
            os.lchown(path, self._seen(found.st_uid), self._seen(found.st_gid))
            if not path.is_symlink():
                # A change of the owner takes some of these away.
                path.chmod(found.st_mode & 0o7777)

    def _seen(self, account: int) -> int:
        return self.lent + account - 1 if account else self.account

    def command(self, words: Sequence[str], environ: Mapping[str, str]) -> list[str]:
        """The command line by which root runs `words` as the user, in the checkout."""
        variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder / "own"), **environ}
        known = [f"{name}={value}" for name, value in variables.items()]
        way = (ROOT, *ROOT.parents)
        closed = [str(folder) for folder in way if not folder.stat().st_mode & 0o001]
        enter = ["sh", "-c", _ENTER, "enter", str(self.folder / "etc"), str(ROOT), closed[-1] if closed else ""]
        return ["unshare", "--mount", *enter, str(self.account), "env", "-i", *known, *words]
