"""`python -m cloud_provisioner`: the same as `prominence-admin`."""

from __future__ import annotations

import sys

from cloud_provisioner.cli import main

if __name__ == "__main__":
    sys.exit(main())
