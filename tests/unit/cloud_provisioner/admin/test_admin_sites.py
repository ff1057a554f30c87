"""`sites`: how each place does, by what was published and by what its file says."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_provisioner.amounts import Amount
from cloud_provisioner.cli import main
from cloud_provisioner.planning.places import Limits
from cloud_provisioner.store.health import SiteHealth
from tests.unit.cloud_provisioner.admin.admin_service import HERE, AdminService
from tests.unit.cloud_provisioner.site_texts import local

NOW = 1_800_000_000.0
FINE = SiteHealth("here", "here", NOW, NOW, "", 2, 1, Limits(4, None, 8192), Amount(3, 2560, 0), 3)


def test_a_place_is_shown_with_what_of_its_limits_is_used(admin: AdminService) -> None:
    admin.acting.store.publish([FINE])
    header, row = admin.rows("sites")
    assert header[:5] == ["SITE", "DRIVER", "VOS", "TIER", "PRIORITY"]
    assert row == ["here", "local", "all", "2", "0", "yes", "2", "3/4", "3", "2.5/8", "1", "ok"]


def test_a_site_that_an_admin_has_switched_off_is_not_in_trouble(admin: AdminService) -> None:
    admin.describe("here", HERE + "enabled: false\n")
    admin.acting.store.publish([replace(FINE, trouble="it is switched off in its description", expected=False)])
    assert admin.rows("sites")[1][-1] == "off"


def test_columns_stand_below_each_other(admin: AdminService) -> None:
    admin.acting.store.publish([FINE, SiteHealth("gone", "gone/a-long-name", NOW, NOW, "it has gone")])
    header, *rows = admin.run("sites")[1].splitlines()[:3]
    assert {row.rindex("ok") if row.startswith("here") else row.rindex("trouble") for row in rows} == {
        header.index("STATE")
    }


def test_a_trouble_is_told_with_its_time_and_a_note_with_its_place(admin: AdminService) -> None:
    sad = SiteHealth(
        "here", "here", NOW, time.time() - 3600 * 4.5, "the password\x1b[31m is wrong", notes=("tiny is left out",)
    )
    admin.acting.store.publish([sad])
    _, out, _ = admin.run("sites")
    assert "here: since " in out
    assert "(5 h): the password\\x1b[31m is wrong\n" in out
    assert "here: note: tiny is left out\n" in out


def test_a_site_that_nobody_has_looked_at_yet_is_shown_by_its_file(admin: AdminService) -> None:
    assert admin.rows("sites")[1][-3:] == ["not", "seen", "yet"]


def test_a_place_whose_file_has_gone_is_shown_by_what_was_published(admin: AdminService) -> None:
    admin.acting.store.publish([FINE, SiteHealth("old", "old/vo", NOW, NOW, "its description has gone")])
    rows = admin.rows("sites")
    assert rows[2][:6] == ["old/vo", "-", "-", "-", "-", "-"]


def test_problems_of_files_stand_below(admin: AdminService) -> None:
    admin.describe("wrong", local("wrong", kep_alive=3))
    _, out, _ = admin.run("sites")
    assert f"{admin.folder}/sites.d/wrong.yaml:" in out
    assert "kep_alive" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            "sites",
            "loop.yaml:1: cannot be read (Too many levels of symbolic links): put a file in the place of the link",
        ),
        ("servers", "There are no servers."),
        ("drain --site here --no-wait", "What here has now, 0 servers, is to be given back."),
        ("sites check here --no-boot", "PASS  description"),
    ],
)
def test_a_link_that_leads_to_itself_hinders_no_command(admin: AdminService, words: str, says: str) -> None:
    (admin.folder / "sites.d" / "loop.yaml").symlink_to("loop.yaml")
    assert says in admin.run(*words.split())[1]


def test_it_is_said_when_no_provisioner_acts(admin: AdminService) -> None:
    assert "No provisioner" not in admin.run("sites")[1]
    admin.acting.lease.release()
    assert "the last one, one, has stopped: start `prominence-admin run`" in admin.run("sites")[1]


def test_it_is_said_when_none_ever_did(admin: AdminService) -> None:
    text = (admin.folder / "provisioner.toml").read_text()
    (admin.folder / "provisioner.toml").write_text(text.replace('"service"', '"another"'))
    out = admin.run("sites")[1]
    assert "No provisioner has acted for another yet" in out
    assert "What stands here" not in out


def test_programs_get_json_with_numbers(admin: AdminService) -> None:
    admin.acting.store.publish([FINE])
    found = admin.json("sites")
    assert found["acting"] == "one"
    assert found["problems"] == []
    (site,) = found["sites"]
    assert site["described"]["tier"] == 2
    assert site["health"]["limits"] == {"servers": 4, "cores": None, "memory": 8192}
    assert site["health"]["used"] == {"servers": 3, "cores": 3, "memory": 2560}


def test_settings_that_are_nowhere_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PROMINENCE_PROVISIONER", raising=False)
    assert main(["sites"]) == 1
    assert "--settings FILE, or PROMINENCE_PROVISIONER" in capsys.readouterr().err


def test_the_environment_names_the_settings_where_the_command_does_not(
    admin: AdminService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMINENCE_PROVISIONER", str(admin.folder / "provisioner.toml"))
    assert main(["sites"]) == 0
    assert "here" in admin.capsys.readouterr().out


def test_a_database_without_tables_is_a_sentence(admin: AdminService, tmp_path: Path) -> None:
    text = (admin.folder / "provisioner.toml").read_text()
    (admin.folder / "provisioner.toml").write_text(text.replace("provisioner.sqlite", "empty.sqlite"))
    code, _, err = admin.run("sites")
    assert code == 1
    assert "run `prominence-admin migrate`" in err
    assert err.endswith("again.\n")
