"""What the identities of workers say."""

from __future__ import annotations

import pytest

from pool.binding import WorkerIdentity, parsed

SERVER = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("identity", "meant"),
    [
        (f"worker-{SERVER}@pool", WorkerIdentity(SERVER)),
        (f"worker-for-ann+{SERVER}@pool", WorkerIdentity(SERVER, "ann")),
        (f"worker-vo-fusion+{SERVER}@pool", WorkerIdentity(SERVER, None, "fusion")),
        (f"worker-for-ann+vo-fusion+{SERVER}@pool", WorkerIdentity(SERVER, "ann", "fusion")),
        ("worker-for-ann@pool", WorkerIdentity(None, "ann")),
        ("worker-for-vo-ann@pool", WorkerIdentity(None, "vo-ann")),
        (f"worker-for-{SERVER}@pool", WorkerIdentity(None, SERVER)),
        ("worker-worker1@pool", WorkerIdentity()),
        # Of what is none of these forms nobody but the user may count on the worker.
        (f"worker-for-ann+{SERVER}extra@pool", WorkerIdentity(None, "ann")),
        (f"worker-for-ann+vo-+{SERVER}@pool", WorkerIdentity(SERVER, "ann", "")),
        (f"condor-{SERVER}@pool", WorkerIdentity()),
        ("condor@pool", WorkerIdentity()),
        (None, WorkerIdentity()),
    ],
)
def test_an_identity_names_server_owner_and_group(identity: str | None, meant: WorkerIdentity) -> None:
    assert parsed(identity) == meant
