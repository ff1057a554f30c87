"""`deploy/worker-image`: the image of workers for clouds, on whose servers nothing has to be installed."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import disk, worker_root
from deploy.errors import DeployError
from deploy.home import from_environment

_NAME = "prominence-worker"
_PROPERTIES = {
    "os_distro": "debian",
    "hw_disk_bus": "virtio",
    "hw_vif_model": "virtio",
    "hw_rng_model": "virtio",
}
"""What OpenStack is told of the image."""


def main(argv: Sequence[str] | None = None) -> int:
    """Makes the image; 1 and a sentence where it cannot be made."""
    image: Path = parser().parse_args(argv).image
    # What is made in the cache is read by accounts of its own.
    os.umask(0o022)
    try:
        make(image.absolute(), from_environment(os.environ).cache)
    except DeployError as error:
        return _refused(str(error))
    except OSError as error:
        return _refused(f"{error.filename or image}: {error.strerror}; mend that, or choose another file.")
    except KeyboardInterrupt:
        return _refused("interrupted; run it again to go on.", 130)
    print(f"\n{image} is made ({image.stat().st_size / 1e6:.0f} MB). Next:\n  {upload(image)}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    found = argparse.ArgumentParser(prog="deploy/worker-image", description="Make the image of workers for clouds.")
    found.add_argument("image", type=Path, metavar="OUT", help="the file to make, such as worker.qcow2")
    return found


def make(image: Path, cache: Path) -> None:
    """Makes the file `image`; what can be used again, for another one, is below `cache`."""
    if platform.machine() != "x86_64":
        raise DeployError("The image of workers is made for and on x86-64 alone: run this on such a machine.")
    if image.is_dir() or not os.access(image.parent, os.W_OK | os.X_OK):
        raise DeployError(f"{image} cannot be made: name a file in a folder that is there and that you may write to.")
    # Instances wait for builds in the cache: these, which they do not need, have a folder of their own.
    own = cache / "worker-image"
    disk.write(worker_root.ensure(own, _say), worker_root.LABEL, image, own, _say)


def upload(image: Path) -> str:
    """The command that gives the image to an OpenStack cloud."""
    properties = " ".join(f"--property {name}={value}" for name, value in _PROPERTIES.items())
    return (
        f"openstack image create --disk-format qcow2 --container-format bare --min-disk {disk.SIZE // 1024} "
        f"{properties} --file {shlex.quote(str(image))} {_NAME}"
    )


def _say(text: str) -> None:
    print(f"[worker-image] {text} ...", flush=True)


def _refused(sentence: str, code: int = 1) -> int:
    print(f"worker-image: {sentence}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
