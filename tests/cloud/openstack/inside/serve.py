"""Serves one of the services: `serve SERVICE ADDRESS PORT NOTE`. SERVICE is its type in the catalogue; NOTE is a file that
names the cloud to which the process belongs.
"""

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import waitress

from tests.cloud.openstack.inside import bearer, transactions

_THREADS = 16
_MODULES = {
    "identity": "keystone.wsgi.api",
    "placement": "placement.wsgi.api",
    "image": "glance.wsgi.api",
    "network": "neutron.wsgi.api",
}

Application = Callable[..., Any]


def application(service: str, address: str) -> Application:
    """The service's application, all its parts started; it is to be served at `address`."""
    if service == "compute":
        # Its imports decide how the process runs: none of the others may have them.
        from tests.cloud.openstack.inside import compute

        return compute.start(address)
    found: Application = importlib.import_module(_MODULES[service]).application
    if service == "identity":
        return bearer.Bearer(found, Path(os.environ["IDENTITY_PROVIDER"]))
    return found


if __name__ == "__main__":
    service, address, port, _ = sys.argv[1:]
    del sys.argv[1:]  # the services read it
    transactions.begin_with_the_lock()
    waitress.serve(
        application(service, address),
        host=address,
        port=int(port),
        threads=_THREADS,
        # The proxy says by which address and scheme users have come.
        clear_untrusted_proxy_headers=False,
        ident=None,
    )
