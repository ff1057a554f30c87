"""`prominence-admin run`, as far as it goes without a pool."""

from __future__ import annotations

from tests.unit.cloud_provisioner.admin.admin_service import AdminService


def test_a_provisioner_that_would_see_no_pool_does_not_take_the_lease(admin: AdminService) -> None:
    admin.acting.lease.release()
    code, out, err = admin.run("run")
    assert (code, out) == (1, "")
    assert err.startswith("CONDOR_CONFIG is not set: ")
    holding = admin.reader.lease("service")
    assert holding is not None
    assert holding.until == 0


def test_the_settings_are_shown_without_a_pool(admin: AdminService) -> None:
    code, out, err = admin.run("run", "--show-config")
    assert (code, err) == (0, "")
    assert "name = 'service'  # the file" in out
