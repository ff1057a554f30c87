"""Which servers are left behind by grants that ended."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest

from cloud_provisioner.amounts import Amount
from cloud_provisioner.grants.undeletable import Undeletable, sentence, undeletable
from cloud_provisioner.servers.record import Binding, Intent
from cloud_provisioner.servers.states import State

OWN = ("EGI", "EGI/vo.example.eu")
SMALL = Amount(2, 4096, 20480)


def server(
    uuid: str, user: str | None, place: str = "EGI", state: State = State.READY, cloud_id: str | None = "c"
) -> Intent:
    cloud = f"cloud-{uuid}" if cloud_id else None
    return Intent(uuid, place, "m.small", SMALL, SMALL, 10.0, 20.0, Binding(user), state=state, cloud_id=cloud)


def uuids(intents: Sequence[Intent], lenders: Collection[str] | None) -> list[str]:
    return [one.uuid for one in undeletable(intents, lenders, OWN)]


CASES: list[tuple[str, Sequence[Intent], Collection[str] | None, list[str]]] = [
    ("a grant is good", [server("1", "alice")], {"alice"}, []),
    ("a grant has ended", [server("1", "alice"), server("2", "alice")], {"bob"}, ["1", "2"]),
    ("a colleague works there", [server("1", "alice"), server("2", "bob")], {"bob"}, []),
    ("a colleague works elsewhere", [server("1", "alice"), server("2", "bob", OWN[1])], {"bob"}, ["1"]),
    ("a colleague was never let in", [server("1", "alice"), server("2", "bob", cloud_id=None)], {"bob"}, ["1"]),
    ("it is unknown who lends", [server("1", "alice")], None, []),
    ("the site has a credential of the service", [server("1", "alice", "OWN-CLOUD")], set(), []),
    ("nothing was asked of the cloud", [server("1", "alice", state=State.INTENDED)], set(), []),
    ("it is gone", [server("1", "alice", state=State.GONE)], set(), []),
    ("it may have been made", [server("1", "alice", state=State.UNSURE, cloud_id=None)], set(), ["1"]),
    ("its user is not known", [server("1", None)], set(), ["1"]),
]


@pytest.mark.parametrize(
    ("intents", "lenders", "expected"), [case[1:] for case in CASES], ids=[one[0] for one in CASES]
)
def test_servers_that_nobody_can_delete_are_named(
    intents: Sequence[Intent], lenders: Collection[str] | None, expected: list[str]
) -> None:
    assert uuids(intents, lenders) == expected


def test_each_is_named_with_what_the_clouds_admins_need() -> None:
    (found,) = undeletable([server("1", "alice", OWN[1], State.DELETING)], set(), OWN)
    assert found == Undeletable(OWN[1], "alice", "1", "cloud-1", State.DELETING, 10.0)
    assert found.site == "EGI"
    assert "cloud-1 at EGI/vo.example.eu (of alice)" in sentence([found])


def test_a_sentence_about_many_is_not_endless() -> None:
    found = undeletable([server(f"{number:03}", "alice") for number in range(500)], set(), OWN)
    assert "500 servers" in sentence(found)
    assert "and 480 more" in sentence(found)
