"""The job that tries a worker: it can be run on that worker alone, by nobody else, and goes by itself."""

from __future__ import annotations

import pytest

from identity.caller import group_slug
from pool import binding, head
from pool.errand import GROUP, OWNER, Errand, description, errand

SERVER = "0123456789abcdef" * 2
IDENTITY = f"{binding.name_of(SERVER, OWNER, GROUP)}@prominence"


def test_it_is_the_provisioners_own() -> None:
    assert head.OWNER == OWNER
    assert description(SERVER, IDENTITY, 1)["My.Owner"] == f'"{OWNER}"'


@pytest.mark.parametrize("vo", ["site-check", "site.check", "site_check", "SITE-CHECK", "site-check "])
def test_no_virtual_organisation_has_its_accounting_group(vo: str) -> None:
    assert group_slug(vo) != GROUP
    assert not binding.may_use(OWNER, group_slug(vo), IDENTITY)


def test_it_runs_on_the_one_worker_and_is_over_at_its_time() -> None:
    made = description(SERVER, IDENTITY, 1_800_000_000.5)
    assert f'ProminenceServer =?= "{SERVER}"' in made["requirements"]
    assert f'AuthenticatedIdentity =?= "{IDENTITY}"' in made["requirements"]
    assert made["periodic_remove"] == "time() > 1800000000"
    assert "ProminenceSubmission" not in " ".join(made)


@pytest.mark.parametrize(
    ("ad", "stands"),
    [
        ({"JobStatus": 1}, Errand()),
        ({"JobStatus": 2, "RemoteHost": "slot1@w"}, Errand(host="slot1@w")),
        ({"JobStatus": 4, "ExitCode": 0}, Errand(True, 0)),
        ({"JobStatus": 4}, Errand(True, None)),
        ({"JobStatus": 5, "HoldReason": "no file"}, Errand(held="no file")),
        ({"JobStatus": 5}, Errand(held="for no reason")),
    ],
)
def test_how_it_stands_is_read_off_its_ad(ad: dict[str, object], stands: Errand) -> None:
    assert errand(ad) == stands
