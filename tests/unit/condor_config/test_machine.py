"""What a worker writes into its configuration, of what it was told and of what its machine is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from cloud_provisioner.contextualisation import WorkerFacts
from condor_config import machine
from condor_config.machine import Machine
from deploy.appliance import recipe
from deploy.packages import SLOT_ACCOUNTS

UUID = "0123456789abcdef" * 2
FACTS: dict[str, Any] = WorkerFacts("example.org", "127.0.0.1", 9, UUID, "A", "a.b.c", region="eu", cpus=2).told()
NOWHERE = Path("/nowhere")


def test_the_configuration_says_what_the_worker_is() -> None:
    text = machine.configuration(FACTS, Machine("10.0.0.7", "cloud-1", 2, 900))
    values = dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)
    assert values["NODE_NAME"] == "A-01234567.example.org"
    assert values["NODE_ADDRESS"] == "10.0.0.7"
    assert (values["WORKER_CPUS"], values["WORKER_MEMORY"]) == ("2", "900")
    assert (values["SERVER_UUID"], values["SERVER_CLOUD_ID"]) == (UUID, "cloud-1")
    assert [line for line in text.splitlines() if line.startswith("include")] == [
        f"include : /pool/config/{role}.conf" for role in ("common", "security", "worker", "server")
    ]


@pytest.mark.parametrize(("reachable", "broker"), [(False, "127.0.0.1:9"), (True, "")])
def test_a_worker_to_which_nobody_can_connect_has_a_broker(reachable: bool, broker: str) -> None:
    text = machine.configuration({**FACTS, "reachable": reachable}, Machine("10.0.0.7", "cloud-1", 2, 900))
    assert f"SERVER_BROKER = {broker}" in text.splitlines()


def test_every_parameter_that_the_roles_ask_for_is_set() -> None:
    folder = Path(machine.__file__).parent
    text = machine.configuration(FACTS, Machine("10.0.0.7", "cloud-1", 2, 900))
    asked = {
        part.partition(")")[0].partition(":")[0]
        for role in machine.ROLES
        for line in (folder / f"{role}.conf").read_text().splitlines()
        if not line.startswith("#")
        for part in line.split("$(")[1:]
    }
    prefixes = ("POOL_", "NODE_", "WORKER_", "SERVER_")
    assert {name for name in asked if name.startswith(prefixes)} == {
        line.partition(" = ")[0] for line in text.splitlines() if " = " in line
    }


def test_what_made_the_machine_says_what_it_is() -> None:
    told = {"PROMINENCE_ADDRESS": "127.1.2.3", "PROMINENCE_CLOUD_ID": "c-1", "PROMINENCE_MEMORY": "512"}
    assert machine.look(FACTS, told, NOWHERE) == Machine("127.1.2.3", "c-1", 2, 512)


def test_a_machine_that_nobody_described_looks_at_itself(tmp_path: Path) -> None:
    (tmp_path / "instance-id").write_text("4a5f9f39-8c72-4ca0-9d84-35a1de3e1b2f\n")
    seen = machine.look({**FACTS, "cpus": None}, {}, tmp_path / "instance-id")
    assert (seen.address, seen.cloud_id) == ("127.0.0.1", "4a5f9f39-8c72-4ca0-9d84-35a1de3e1b2f")
    assert seen.cpus == os.cpu_count()
    assert seen.memory > 100


@pytest.mark.parametrize("told", ["", "a b", 'x"', "$(X)", "x\ny", "x" * 200])
def test_an_id_that_cannot_stand_in_an_ad_is_none(told: str) -> None:
    assert machine.look(FACTS, {"PROMINENCE_CLOUD_ID": told}, NOWHERE).cloud_id == ""


@pytest.mark.parametrize("given", ["i-0000abcd", "iid-datasource-none", UUID, "nocloud", ""])
def test_a_machine_says_no_id_where_nova_gave_it_none(given: str, tmp_path: Path) -> None:
    (tmp_path / "instance-id").write_text(given)
    assert machine.look(FACTS, {}, tmp_path / "instance-id").cloud_id == ""


def test_an_id_that_is_not_known_is_empty_in_the_ad() -> None:
    assert "SERVER_CLOUD_ID = " in machine.configuration(FACTS, Machine("10.0.0.7", "", 2, 900)).splitlines()


def test_a_stock_image_gets_the_accounts_of_the_appliance() -> None:
    accounts, groups = machine.missing_accounts(SLOT_ACCOUNTS, "root:x:0:0::/root:/bin/sh\n", "root:x:0:\n")
    assert accounts.splitlines()[0] == "slot001:x:2001:2000::/nonexistent:/usr/sbin/nologin"
    assert (len(accounts.splitlines()), groups) == (SLOT_ACCOUNTS, "slots:x:2000:\n")
    assert any(
        "slot%s:x:%d:2000::/nonexistent:/usr/sbin/nologin" in step and "groupadd --gid 2000 slots" in step
        for step in recipe()
    )


def test_accounts_that_are_there_stay_and_a_larger_machine_gets_more() -> None:
    accounts, groups = machine.missing_accounts(2, "root:x:0:0::/root:/bin/sh\n", "")
    assert machine.missing_accounts(2, accounts, groups) == ("", "")
    assert machine.missing_accounts(3, accounts, groups)[0].startswith("slot003:")


def test_a_number_of_somebody_else_is_not_taken() -> None:
    with pytest.raises(ValueError, match="2001"):
        machine.missing_accounts(1, "guest:x:2001:2001::/home/guest:/bin/sh\n", "")


def test_each_slot_has_an_account_of_its_own() -> None:
    assert machine.slots(2) == "SLOT1_1_USER = slot001\nSLOT1_2_USER = slot002\n"
