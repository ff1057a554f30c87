"""The root file system of the image of workers: the appliance's recipe, and what a machine needs to boot by itself.

Nothing of a site is in it, and nothing that two servers may not share: no address, no key, no machine id.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from deploy import appliance, debian
from deploy.packages import PACKAGES, versions

LABEL = "worker-root"
"""Of its file system, by which boot loader and kernel find it."""
BOOTING = (
    "linux-image-cloud-amd64",
    "initramfs-tools",
    "zstd",
    "systemd-sysv",
    "systemd-resolved",
    "systemd-timesyncd",
    "dbus",
    "udev",
    "kmod",
    "iproute2",
    "iptables",
    "cloud-init",
    "cloud-guest-utils",
    "fdisk",
    "e2fsprogs",
)
"""Packages beside those of the appliance."""
# Only what a worker needs of cloud-init: each of its modules costs time at every boot. The user data is a script.
# Nothing is installed, no account is made, and no service listens that an account could log in to.
CLOUD = """datasource_list: [ConfigDrive, OpenStack, NoCloud, None]
users: []
disable_root: true
manage_etc_hosts: localhost
system_info:
  network:
    renderers: [networkd]
growpart:
  mode: auto
  devices: [/]
cloud_init_modules: [growpart, resizefs, set_hostname, update_etc_hosts]
cloud_config_modules: []
cloud_final_modules: [scripts_user, final_message]
"""
# HTCondor is started by the worker's own service. /tmp is on the disk, for memory is for jobs. Timers would disturb them.
_CUSTOMIZE = f"""
set -e
chroot "$1" systemctl mask --quiet condor.service tmp.mount e2scrub_all.timer e2scrub_reap.service \\
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer
chroot "$1" systemctl enable --quiet systemd-networkd.service systemd-resolved.service systemd-timesyncd.service
printf %s "$2" >"$1/etc/cloud/cloud.cfg.d/95_prominence.cfg"
echo 'LABEL={LABEL} / ext4 defaults 0 1' >"$1/etc/fstab"
echo worker >"$1/etc/hostname"
ln -sfn ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"
: >"$1/etc/machine-id"
# The archive of whoever builds, and what packages noted of this build.
rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/etc/ssh "$1"/var/lib/systemd/random-seed
find "$1/var/log" -type f -delete
test -e "$1/vmlinuz" && test -e "$1/initrd.img"
"""


def recipe() -> list[str]:
    """What decides its content, as arguments of mmdebstrap."""
    hook = f'--customize-hook=bash -c {appliance.quoted(_CUSTOMIZE)} customize "$1" {appliance.quoted(CLOUD)}'
    # systemd brings the link that the appliance's own hook makes.
    return ['--customize-hook=rm -f "$1/etc/mtab"', *appliance.recipe((*PACKAGES, *BOOTING), [hook])]


def ensure(cache: Path, say: Callable[[str], None]) -> Path:
    """Its folder below `cache`, built when it is not there, with the security updates of that day where apt knows them."""
    updates = debian.security()
    archives = [f"deb {updates} {versions()['debian']}-security main"] if updates else []
    doing = "building the root file system of workers (downloads about 300 MB)"
    return appliance.built(cache, "worker-root", recipe(), doing, say, archives)
