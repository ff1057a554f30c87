"""A stock Debian 13 cloud image, made here: what a worker's user data finds at a cloud that has no image of workers.

Run: `.venv/bin/python -m tests.bench.stock_image stock.qcow2`, on a machine that can make the image of workers; then boot it as
that one is booted, with `tests/bench/worker_image_pool.py` and `--patience 3600`.

Debian's own images are not packages, so a machine that reaches the archive alone cannot fetch them. This one has the packages
and the configuration of their recipe (`genericcloud` of debian-cloud-images). What differs: it boots by the BIOS alone, from
one partition; there are no manual pages and no documentation of what it has; apt's mirrors are those of this machine instead of
https://deb.debian.org; and it trusts the certificates that were added to this machine, whose network may need them.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from deploy import appliance, debian, disk
from deploy.errors import DeployError
from deploy.home import from_environment
from deploy.packages import versions

LABEL = "stock-root"
SYSTEM = (
    *("linux-image-cloud-amd64", "initramfs-tools", "zstd", "apparmor", "init", "udev", "dbus", "kmod", "sudo"),
    *("libpam-systemd", "systemd-resolved", "libnss-resolve", "libnss-myhostname", "systemd-timesyncd", "netplan.io"),
    *("polkitd", "unattended-upgrades", "apt-utils", "iptables", "iproute2", "iputils-ping", "linux-sysctl-defaults"),
    *("less", "nano", "netbase", "vim-tiny", "whiptail", "e2fsprogs", "fdisk"),
)
CLOUD = ("cloud-init", "cloud-guest-utils", "cloud-initramfs-growroot", "openssh-server", "ssh-import-id")
EXTRAS = (
    *("apt-listchanges", "bash-completion", "bind9-host", "man-db", "manpages", "socat", "pciutils", "reportbug"),
    *(
        "traceroute",
        "vim",
        "psmisc",
        "tcpdump",
        "ca-certificates",
        "curl",
        "ethtool",
        "uuid-runtime",
        "screen",
        "xz-utils",
    ),
)
# The rest of cloud-init's configuration is its package's. It writes the lists of mirrors at the first boot.
_CONFIGURATION = """apt:
  generate_mirrorlists: true
system_info:
  package_mirrors:
  - arches: [default]
    failsafe: {{primary: "{mirror}", security: "{security}"}}
"""
_SOURCES = """Types: deb deb-src
URIs: mirror+file:///etc/apt/mirrors/debian.list
Suites: {release} {release}-updates {release}-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: mirror+file:///etc/apt/mirrors/debian-security.list
Suites: {release}-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
_NETWORK = """network:
  version: 2
  ethernets:
    all-en: {match: {name: "en*"}, dhcp4: true, dhcp6: true}
    all-eth: {match: {name: "eth*"}, dhcp4: true, dhcp6: true}
"""
# $1: the root file system, $2: cloud-init's configuration, $3: apt's sources, $4: netplan's
_CUSTOMIZE = f"""
set -e
rm -f "$1"/etc/apt/preferences.d/pins "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/var/lib/apt/lists/* "$1"/etc/ssh/ssh_host_*
find /usr/local/share/ca-certificates -name '*.crt' -exec cp -t "$1/usr/local/share/ca-certificates" '{{}}' +
chroot "$1" update-ca-certificates
chroot "$1" systemctl enable --quiet systemd-networkd.service systemd-resolved.service systemd-timesyncd.service
printf %s "$2" >"$1/etc/cloud/cloud.cfg.d/01_debian_cloud.cfg"
printf %s "$3" >"$1/etc/apt/sources.list.d/debian.sources"
printf %s "$4" >"$1/etc/netplan/90-default.yaml"
chmod 600 "$1/etc/netplan/90-default.yaml"
echo 'LABEL={LABEL} / ext4 rw,discard,errors=remount-ro,x-systemd.growfs 0 1' >"$1/etc/fstab"
ln -sfn ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"
: >"$1/etc/machine-id"
: >"$1/etc/hostname"
test -e "$1/vmlinuz" && test -e "$1/initrd.img"
"""


def recipe(mirror: str, security: str) -> list[str]:
    """What decides its content, as arguments of mmdebstrap."""
    release = versions()["debian"]
    texts = (_CONFIGURATION.format(mirror=mirror, security=security), _SOURCES.format(release=release), _NETWORK)
    words = " ".join(appliance.quoted(text) for text in texts)
    return [
        *appliance.small(),
        f'--customize-hook=bash -c {appliance.quoted(_CUSTOMIZE)} customize "$1" {words}',
        f"--include={','.join((*SYSTEM, *CLOUD, *EXTRAS))}",
        release,
    ]


def main() -> int:
    """Makes it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    image: Path = parser.parse_args().image
    cache = from_environment(os.environ).cache / "worker-image"
    os.umask(0o022)
    security = debian.security()
    if security is None:
        raise DeployError("apt knows no archive of Debian's security updates on this machine, which a stock image has.")
    updates = [f"deb {security} {versions()['debian']}-security main"]
    root = appliance.built(cache, "stock-root", recipe(debian.mirror(), security), "building it", print, updates)
    disk.write(root, LABEL, image.absolute(), cache, print)
    return 0


if __name__ == "__main__":
    sys.exit(main())
