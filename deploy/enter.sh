#!/bin/sh
# Runs a command in the appliance root file system, as if on a machine of its own.
#   enter.sh LOWER DISK POOL NAME USER BINDS -- COMMAND [ARG...]
# Started in fresh mount, pid, uts and ipc namespaces (and a user namespace, where the caller is not root).
#   LOWER  the appliance root file system, never written to
#   DISK   folder for what this machine writes over it; "-": nothing can be written but /pool and /tmp
#   POOL   folder that appears as /pool
#   USER   "root", or "service": one unprivileged account, to which the caller's own files belong
#   BINDS  further folders, "SOURCE=TARGET" each, blanks between; ":ro" behind the target makes it read-only
set -eu
lower=$1 disk=$2 pool=$3 name=$4 user=$5 binds=$6
shift 7

if [ "$disk" = - ]; then
    root=$lower
    mount --bind "$root" "$root"
    mount -o remount,bind,ro "$root"
else
    root=$disk/root
    mkdir -p "$disk/upper" "$disk/work" "$root"
    # userxattr: without it the kernel refuses overlays to a user namespace.
    mount -t overlay overlay -o "userxattr,lowerdir=$lower,upperdir=$disk/upper,workdir=$disk/work" "$root"
    printf '127.0.0.1 localhost\n127.0.0.1 %s\n' "$name" >"$root/etc/hosts"
    cat /etc/resolv.conf >"$root/etc/resolv.conf" 2>/dev/null || :
fi

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys" 2>/dev/null || mount --rbind /sys "$root/sys"
# A /dev of its own: a job has no business with the disks of the machine.
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
# Jobs mount storage. The machine's own device may be open to root alone; a user namespace cannot make another.
if [ -c /dev/fuse ] && ! mknod -m 666 "$root/dev/fuse" c 10 229 2>/dev/null; then
    : >"$root/dev/fuse"
    mount --bind /dev/fuse "$root/dev/fuse"
fi
mkdir -p "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
[ "$disk" != - ] || mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"

mount --bind "$pool" "$root/pool"
for bind in $binds; do
    source=${bind%%=*} target=${bind#*=} mode=rw
    case $target in *:ro) target=${target%:ro} mode=ro ;; esac
    mkdir -p "$root$target"
    mount --bind "$source" "$root$target"
    [ "$mode" = rw ] || mount -o remount,bind,ro "$root$target"
done

hostname "$name"
# pivot_root and not chroot: the kernel refuses user namespaces, which containers need, to a chrooted process.
cd "$root"
pivot_root . .
umount -l .
cd /
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 CONDOR_CONFIG=/pool/condor_config
if [ "$user" = service ]; then
    exec unshare --user --map-user=1000 --map-group=1000 -- "$@"
fi
exec "$@"
