"""`prominence-admin run`, as far as it goes without a pool."""

from __future__ import annotations

import pytest

from tests.unit.cloud_provisioner.admin.admin_service import AdminService


def test_a_provisioner_that_would_see_no_pool_does_not_take_the_lease(admin: AdminService) -> None:
    admin.acting.lease.release()
    code, out, err = admin.run("run")
    assert (code, out) == (1, "")
    assert err.startswith("CONDOR_CONFIG is not set: ")
    holding = admin.reader.lease("service")
    assert holding is not None
    assert holding.until == 0


def test_a_provisioner_that_could_drain_no_worker_does_not_start(
    admin: AdminService, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.acting.lease.release()
    monkeypatch.setenv("CONDOR_CONFIG", "/dev/null")
    with (admin.folder / "provisioner.toml").open("a") as settings:
        settings.write('\ndrain = ["/nonexistent/condor_drain"]\n')
    code, _, err = admin.run("run")
    assert code == 1
    assert err.startswith("pool.drain: there is no command /nonexistent/condor_drain: install it, or name its path")


def test_a_provisioner_whose_signing_key_others_may_read_does_not_start(
    admin: AdminService, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.acting.lease.release()
    monkeypatch.setenv("CONDOR_CONFIG", "/dev/null")
    with (admin.folder / "provisioner.toml").open("a") as settings:
        settings.write('\ndrain = ["/bin/true"]\n')
    key = admin.folder / "POOL"
    key.write_text("a key of a pool that never runs")
    key.chmod(0o644)
    code, _, err = admin.run("run")
    assert (code, err) == (1, f"pool.signing_key: others may use {key}: give it mode 0600.\n")


def test_a_database_that_would_be_another_one_in_each_folder_is_refused(admin: AdminService) -> None:
    settings = admin.folder / "provisioner.toml"
    settings.write_text(settings.read_text().replace(f"sqlite:///{admin.folder}/", "sqlite:///"))
    code, _, err = admin.run("migrate")
    assert code == 1
    assert err == f"{settings}: database: the path of the file begins at the root: sqlite:////path/of/a/file.\n"


@pytest.mark.parametrize("command", ["run", "migrate"])
def test_help_says_what_a_command_does(admin: AdminService, command: str) -> None:
    with pytest.raises(SystemExit):
        admin.run(command, "--help")
    described = {"run": "Run the provisioner until SIGTERM", "migrate": "Safe to repeat"}
    assert described[command] in " ".join(admin.capsys.readouterr().out.split())


def test_the_settings_are_shown_without_a_pool(admin: AdminService) -> None:
    code, out, err = admin.run("run", "--show-config")
    assert (code, err) == (0, "")
    assert "name = 'service'  # the file" in out
