"""OpenStack Swift with its S3 API as one process on loopback: a real server that checks signatures.

`python swift_server.py FOLDER ACCESS_KEY`, the secret key on standard input. Prints the port of the S3 API when it serves.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

# Everything that is imported after this waits in eventlet's own way; so Swift is imported by name, in the functions below.
eventlet = import_module("eventlet")
eventlet.monkey_patch()

HOST = "127.0.0.1"
BACKENDS = {"account": "swift.account.server", "container": "swift.container.server", "object": "swift.obj.server"}

PROXY = """
[DEFAULT]
swift_dir = {folder}
log_level = WARNING
[pipeline:main]
pipeline = catch_errors s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
max_bucket_listing = 7
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{user} = {secret} .admin
[filter:slo]
use = egg:swift#slo
"""


def ring(folder: Path, name: str, port: int) -> None:
    """One device, one replica."""
    builder = import_module("swift.common.ring").RingBuilder(2, 1, 1)
    builder.add_dev(
        {"id": 0, "region": 1, "zone": 1, "weight": 1.0, "ip": HOST, "port": port, "device": "disk", "meta": ""}
    )
    builder.rebalance()
    builder.get_ring().save(str(folder / f"{name}.ring.gz"))


def serve(app: Any) -> int:
    """Serves an application in the background, and returns the port."""
    protocol = import_module("swift.common.wsgi").SwiftHttpProtocol
    logger = import_module("swift.common.utils").NullLogger()
    socket = eventlet.listen((HOST, 0))
    eventlet.spawn(import_module("eventlet.wsgi").server, socket, app, logger, protocol=protocol, log_output=False)
    return int(socket.getsockname()[1])


def main() -> None:
    """Serves until it is killed."""
    folder, access_key = Path(sys.argv[1]), sys.argv[2]
    secret = sys.stdin.readline().strip()
    (folder / "devices" / "disk").mkdir(parents=True)
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = tests\n")
    import_module("swift.common.utils").set_swift_dir(str(folder))
    conf = {"swift_dir": str(folder), "devices": str(folder / "devices"), "mount_check": "false", "log_level": "ERROR"}
    conf |= {"disable_fallocate": "true", "recon_cache_path": str(folder)}
    for name, module in BACKENDS.items():
        ring(folder, name, serve(import_module(module).app_factory(conf)))
    account, _, user = access_key.partition(":")
    file = folder / "proxy-server.conf"
    file.touch(0o600)
    file.write_text(PROXY.format(folder=folder, account=account, user=user, secret=secret))
    print(serve(import_module("swift.common.wsgi").loadapp(str(file))), flush=True)
    eventlet.Event().wait()


if __name__ == "__main__":
    main()
