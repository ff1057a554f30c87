"""Servers that are made to check a site: nobody's but the check's, and gone when its time is over."""

from __future__ import annotations

import pytest

from cloud_provisioner.amounts import Amount
from cloud_provisioner.servers.leaks import leaks
from cloud_provisioner.servers.passing import SLACK, is_over, new_uuid, service_of
from cloud_provisioner.servers.views import CloudView, Listed, PoolView, Status, Worker

UNTIL = 1_800_000_000.0


def test_a_uuid_tells_until_when_its_server_is_wanted() -> None:
    uuid = new_uuid(UNTIL)
    assert len(uuid) == 32
    assert int(uuid, 16) >= 0
    assert new_uuid(UNTIL) != uuid
    assert not is_over(uuid, UNTIL)
    assert not is_over(uuid, UNTIL + SLACK)
    assert is_over(uuid, UNTIL + SLACK + 1)


def test_a_uuid_that_no_check_made_is_over() -> None:
    assert is_over("something else", 0)


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize(
    ("service", "later", "deleted"),
    [
        (service_of("ours"), SLACK + 10, True),
        (service_of("ours"), 0, False),
        (service_of("another"), SLACK + 10, False),
        ("another", SLACK + 10, False),
    ],
)
def test_the_provisioner_deletes_what_a_check_has_left_and_nothing_else(
    service: str, later: float, deleted: bool, joined: bool
) -> None:
    uuid, now = new_uuid(UNTIL), UNTIL + later
    server = Listed("c-1", uuid, service, Status.ACTIVE, "small")
    size = Amount(1, 1, 1)
    pool = PoolView({uuid: Worker(size, size, "c-1")} if joined else {})
    found = leaks(CloudView({uuid: (server,)}, now), pool, (), {}, "ours")
    assert found.delete == ((server,) if deleted else ())
    assert found.adopt == ()
    assert found.suspects == {}
