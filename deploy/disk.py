"""A bootable disk image of a folder with a root file system: no loop device, no right but in namespaces.

The tools come from a root file system of their own, of the same release of Debian, so that nothing is installed here.
It boots by the BIOS, which every cloud offers without a property of the image, from an MBR with one partition.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from deploy import appliance
from deploy.errors import DeployError
from deploy.locks import alone
from deploy.namespaces import contained, remove_tree
from deploy.packages import versions

SIZE = 4096
"""MB of the disk; the first boot gives its partition all that the server has."""
_SECTOR = 512
_START = 2048
"""Sector at which the partition begins; the boot loader stands before it."""
_TOOLS = ("e2fsprogs", "fdisk", "grub-common", "grub-pc-bin", "qemu-utils")
_PATIENCE = 3600
_CONSOLES = "console=tty0 console=ttyS0,115200"
# $1: root file system of the tools, $2: that of the image, $3: folder for the image, $4: what to do there
_ENTER = """
set -e
mount --bind "$2" "$1/srv"
mount --bind "$3" "$1/mnt"
mount --rbind /dev "$1/dev"
exec chroot "$1" /bin/sh -ec "$4"
"""


def script(label: str) -> str:
    """What makes `image.qcow2` in /mnt from the root file system in /srv, whose file system gets this label."""
    kilobytes = SIZE * 1024 - _START * _SECTOR // 1024
    return f"""
cd /mnt
rm -f disk
truncate -s {SIZE}M disk
echo 'start={_START}, type=83, bootable' | sfdisk --quiet --label dos disk
mke2fs -q -F -t ext4 -L {label} -E offset={_START * _SECTOR} -d /srv disk {kilobytes}k
cat >boot.cfg <<'END'
search.fs_label {label} root
linux /vmlinuz root=LABEL={label} ro {_CONSOLES}
initrd /initrd.img
boot
END
grub-mkimage -O i386-pc -p /boot/grub -c boot.cfg -o core.img biosdisk part_msdos ext2 search_label linux boot
test "$(stat -c %s core.img)" -le {(_START - 1) * _SECTOR}
# The first 440 bytes are code; the table of partitions stands behind them. It loads what begins at the next sector.
dd if=/usr/lib/grub/i386-pc/boot.img of=disk bs=440 count=1 conv=notrunc status=none
dd if=core.img of=disk bs={_SECTOR} seek=1 conv=notrunc status=none
qemu-img convert -f raw -O qcow2 -c disk image.qcow2
"""


def tools(cache: Path, packages: tuple[str, ...], name: str, say: Callable[[str], None]) -> Path:
    """A root file system with these packages, a folder below `cache` whose name begins with `name`."""
    steps = [*appliance.small(), f"--include={','.join(packages)}", versions()["debian"]]
    return appliance.built(cache, name, steps, f"fetching {', '.join(packages)}", say)


def write(root: Path, label: str, image: Path, cache: Path, say: Callable[[str], None]) -> None:
    """Makes the file `image` (qcow2), whole or not at all, of the root file system in `root`.

    Takes as much room beside it as the root file system; raises DeployError where it cannot be made.
    """
    shop = tools(cache, _TOOLS, "disk-tools", say)
    partial = image.with_name(f".{image.name}.partial")
    with alone(partial, say) as lock:
        say(f"writing {image}")
        try:
            _run(contained(["sh", "-c", _ENTER, "disk", *map(str, (shop, root, partial)), script(label)]), lock)
            (partial / "image.qcow2").replace(image)
        finally:
            remove_tree(partial)


def _run(command: list[str], lock: int) -> None:
    environ = {"PATH": "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
    try:
        done = subprocess.run(
            command, env=environ, pass_fds=[lock], capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DeployError(
            f"The image could not be made within {_PATIENCE} s: try it on a machine with less load."
        ) from error
    if done.returncode:
        raise DeployError(f"The image could not be made: {done.stderr.strip()[-800:]}")
