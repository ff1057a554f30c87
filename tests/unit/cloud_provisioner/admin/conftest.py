"""What the tests of admins' commands share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cloud_provisioner.admin.admin_service import HERE, AdminService, made


@pytest.fixture
def admin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[AdminService]:
    """A service with a site called here, for which a provisioner acts."""
    monkeypatch.delenv("CONDOR_CONFIG", raising=False)
    monkeypatch.delenv("PROMINENCE_PROVISIONER", raising=False)
    service = made(tmp_path, capsys)
    service.describe("here", HERE)
    assert service.acting.lease.acquire()
    yield service
    service.database.close()
