"""`sites check` as a command: what it says of a description, and the order that it makes."""

from __future__ import annotations

import base64
import io
import re
import tarfile
from typing import Any

import jwt
import pytest

from cloud_provisioner.admin.checking.description import Chosen
from cloud_provisioner.admin.checking.report import Report
from cloud_provisioner.admin.checking.trial import Trial
from cloud_provisioner.admin.service import Service
from cloud_provisioner.settings import load
from deploy.files import write_private
from tests.unit.cloud_provisioner.admin.admin_service import AdminService
from tests.unit.cloud_provisioner.admin.checked_cloud import SMALL, CheckedCloud
from tests.unit.cloud_provisioner.admin.test_admin_servers import LENT
from tests.unit.cloud_provisioner.provisioner_loop import described
from tests.unit.cloud_provisioner.site_texts import OPENSTACK, local

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nowhere",), "There is no site nowhere. There are: here, lent."),
        (("lent",), "say whose grant to use, with --user OWNER"),
        (("lent", "--vo", "vo.b"), "There is no VO at this site called vo.b. There are: vo.a."),
    ],
)
def test_what_cannot_be_checked_is_a_failed_step(admin: AdminService, words: tuple[str, ...], says: str) -> None:
    admin.describe("lent", LENT)
    code, out, err = admin.run("sites", "check", *words)
    assert code == 1
    assert out.startswith("FAIL  description")
    assert says in out
    assert err == f"{words[0]} does not work: description.\n"


def test_a_site_whose_file_is_refused_is_told_why(admin: AdminService) -> None:
    admin.describe("broken", local("broken", kep_alive=3))
    _, out, _ = admin.run("sites", "check", "broken")
    assert "There is no site broken." in out
    assert "broken.yaml:" in out
    assert "kep_alive" in out


def test_a_secret_that_cannot_be_had_is_a_failure_with_its_place_and_remedy(admin: AdminService) -> None:
    admin.describe("A", OPENSTACK)
    _, out, _ = admin.run("sites", "check", "A")
    assert "note:" not in out
    assert f"{admin.folder}/sites.d/A.yaml:7: credentials.password: The secret in the file /etc/secret cannot" in out
    assert out.endswith("Correct the file, or run this as the provisioner's account.\n")


def test_pieces_that_fail_keep_it_from_booting(admin: AdminService) -> None:
    code, out, err = admin.run("sites", "check", "here")
    lines = [line.split()[:2] for line in out.splitlines()]
    assert code == 1
    assert ["FAIL", "appliance"] in lines
    assert lines[-5:] == [["SKIP", name] for name in ("pool", "boot", "join", "job", "delete")]
    assert "appliance" in err


def order(admin: AdminService) -> Any:
    write_private(admin.folder / "POOL", "a key of a pool that never runs")
    service = Service(load(admin.folder / "provisioner.toml"), admin.reader, {}, lambda: NOW)
    site = described("A", longest_job=3600)
    trial = Trial(
        service, Chosen(site, "*", CheckedCloud(), ""), Report(print, lambda: 0.0), 900.0, lambda seconds: None
    )
    return trial._order("ab" * 12 + "6b000000", SMALL, NOW + 1200)


def test_the_server_is_nobodys_but_the_checks(admin: AdminService) -> None:
    made = order(admin)
    assert made.service == "service.check"
    assert made.uuid in made.name
    assert (made.flavor, made.vo) == ("small", "*")


def token(user_data: str) -> dict[str, Any]:
    """What the worker's token in a script says."""
    match = re.search(r"base64 -d <<'END' .*?\n(.*?)\nEND\n", user_data, re.DOTALL)
    assert match is not None
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(match[1]))) as archive:
        file = archive.extractfile("tokens/worker")
        assert file is not None
        return dict(jwt.decode(file.read().decode(), options={"verify_signature": False}))


def test_its_worker_runs_the_checks_jobs_alone_and_not_for_longer(admin: AdminService) -> None:
    made = order(admin)
    claims = token(made.user_data)
    assert claims["sub"] == f"worker-for-provisioner+vo-site-check+{made.uuid}@prominence"
    assert claims["exp"] - claims["iat"] == 1500


def test_without_the_pools_key_it_says_whose_account_has_it(admin: AdminService) -> None:
    service = Service(load(admin.folder / "provisioner.toml"), admin.reader, {}, lambda: NOW)
    trial = Trial(
        service, Chosen(described("A"), "*", CheckedCloud(), ""), Report(print, lambda: 0.0), 9.0, lambda seconds: None
    )
    with pytest.raises(Exception, match=r"`pool.signing_key`: .*POOL cannot be read .*Run this as the provisioner's"):
        trial._order("ab" * 16, SMALL, NOW)


def test_grants_need_a_section_in_the_settings(admin: AdminService) -> None:
    code, _, err = admin.run("grants", "list")
    assert (code, err) == (
        1,
        "The provisioner's settings have no section `grants`: users can lend it nothing.\n",
    )
