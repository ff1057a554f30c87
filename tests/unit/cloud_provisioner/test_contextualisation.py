"""The script that makes a worker of a machine: the same for the same facts, small enough, and nothing in it is evaluated."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_provisioner.contextualisation import WorkerFacts, host_name, render
from cloud_provisioner.errors import FactUnusable
from cloud_provisioner.servers.record import Purpose

NOVA_LIMIT = 65535
"""Bytes of user data, as they are sent: in base64."""
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2lnbmVk"
FACTS = WorkerFacts("prominence", "192.0.2.1", 29618, "0123456789abcdef" * 2, "EXAMPLE-A", TOKEN, region="europe")


def carried(script: str) -> dict[str, tuple[int, bytes]]:
    """The files in a script's archive: name -> mode and content."""
    match = re.search(r"base64 -d <<'END' \| tar -xz -C \"\$pool\"\n(.*?)\nEND\n", script, re.DOTALL)
    assert match
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(match[1]))) as archive:
        assert {(one.uid, one.gid) for one in archive} == {(0, 0)}
        found = {one.name: (one.mode, archive.extractfile(one)) for one in archive}
        return {name: (mode, file.read() if file else b"") for name, (mode, file) in found.items()}


def test_the_same_facts_give_the_same_script_and_others_another() -> None:
    assert render(FACTS) == render(replace(FACTS))
    others = [replace(FACTS, idle=7), replace(FACTS, purpose=Purpose.OWN), replace(FACTS, token=TOKEN + "x")]
    assert len({render(facts) for facts in (FACTS, *others)}) == 4


def test_it_fits_into_user_data_with_room_to_spare() -> None:
    longest = replace(FACTS, site="s" * 64, region="€" * 255, image_dirs=("/" + "i" * 900,), token=f"a.{'b' * 1500}.c")
    assert len(base64.b64encode(render(longest).encode())) < NOVA_LIMIT / 2


def test_it_is_a_shell_script_that_prints_nothing_it_was_not_told_to(tmp_path: Path) -> None:
    script = tmp_path / "user-data"
    script.write_text(render(FACTS))
    assert script.read_text().startswith("#!/bin/sh\n")
    checked = subprocess.run(["sh", "-n", script], capture_output=True, text=True, timeout=10, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert not re.search(r"set\s+-\w*[xv]", script.read_text())


def test_the_token_stands_in_a_private_file_of_the_archive_and_nowhere_else() -> None:
    script = render(FACTS)
    files = carried(script)
    assert TOKEN not in script
    assert [name for name, (_, content) in files.items() if TOKEN.encode() in content] == ["tokens/worker"]
    assert (files["tokens"][0], files["tokens/worker"]) == (0o700, (0o600, TOKEN.encode()))
    assert TOKEN not in repr(FACTS)


def test_a_worker_gets_the_configuration_of_workers_alone() -> None:
    names = {name.removeprefix("config/") for name in carried(render(FACTS)) if name.endswith((".conf", ".py"))}
    assert names == {
        "common.conf",
        "security.conf",
        "worker.conf",
        "server.conf",
        "image_keeper.py",
        "machine.py",
        "dead_man.py",
    }


def test_a_worker_is_called_after_its_site_and_its_server() -> None:
    assert FACTS.name == host_name("EXAMPLE-A", FACTS.uuid) == "EXAMPLE-A-01234567"
    assert len(host_name("s" * 64, FACTS.uuid)) <= 63


@given(st.text(max_size=255))
def test_whatever_a_region_is_called_the_worker_is_told_it_as_ads_have_it(region: str) -> None:
    told = replace(FACTS, region=region).told()["region"]
    assert isinstance(told, str)
    assert re.fullmatch(r"[ -~]*", told)
    assert not set('"$\\') & set(told)


HOSTILE = ["", "a\nEVIL = 1", "$(EVIL)", '"', "a b", "'; rm -rf /", "END\n"]


@pytest.mark.parametrize("name", ["domain", "head", "uuid", "site", "token", "registry_mirror", "image_dirs"])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_that_would_be_evaluated_is_refused(name: str, text: str) -> None:
    if (name, text) == ("registry_mirror", ""):
        return
    value: Any = (text,) if name == "image_dirs" else text
    with pytest.raises(FactUnusable) as raised:
        replace(FACTS, **{name: value})
    assert raised.value.name == name
    assert text not in str(raised.value) or not text


@pytest.mark.parametrize("name", ["port", "cpus", "memory", "idle", "silence"])
def test_an_amount_is_more_than_nothing(name: str) -> None:
    amounts: dict[str, Any] = {name: 0}
    with pytest.raises(FactUnusable, match=name):
        replace(FACTS, **amounts)


def test_the_facts_are_plain_json_without_the_token() -> None:
    _, content = carried(render(FACTS))["facts.json"]
    told = json.loads(content)
    assert told == FACTS.told()
    assert (told["site"], told["region"], told["purpose"], told["preemptible"]) == (
        "EXAMPLE-A",
        "europe",
        "shared",
        False,
    )


FIREWALL = """#!/bin/sh
# A firewall as iptables is: a file of rules for each family; it fails where there is a file that says so.
here=$(dirname "$0") family=$(basename "$0")
[ ! -e "$here/$family.fails" ] || exit 3
[ "$1" = -w ] && command=$2 && shift 2
case $command in
-C) grep -qxF -- "$*" "$here/$family.rules" ;;
-I) printf '%s\\n' "$*" >>"$here/$family.rules" ;;
esac
"""
OF_ROOT_ALONE = "-m owner ! --uid-owner 0 -j REJECT"


class Guard:
    """The script that keeps jobs away from the metadata service, on a machine with a firewall and interfaces of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.interfaces = folder, folder / "if_inet6"
        match = re.search(r"guard\.sh\" <<'END'.*?\n(.*?)\nEND\n", render(FACTS), re.DOTALL)
        assert match
        assert "/proc/net/if_inet6" in match[1]
        (folder / "guard.sh").write_text(match[1].replace("/proc/net/if_inet6", str(self.interfaces)))
        for family in ("iptables", "ip6tables"):
            (folder / family).write_text(FIREWALL)
            (folder / family).chmod(0o755)
            (folder / f"{family}.rules").touch()
        self.interfaces.write_text("00000000000000000000000000000001 01 80 10 80       lo\n")

    def fails(self, family: str) -> None:
        (self.folder / f"{family}.fails").touch()

    def rules(self, family: str) -> list[str]:
        return (self.folder / f"{family}.rules").read_text().splitlines()

    def works(self) -> bool:
        path = f"{self.folder}:/usr/bin:/bin"
        run = ["sh", str(self.folder / "guard.sh")]
        return subprocess.run(run, env={"PATH": path}, timeout=10, check=False).returncode == 0


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return Guard(tmp_path)


def test_jobs_reach_the_metadata_service_neither_by_ipv4_nor_by_ipv6(guard: Guard) -> None:
    for _ in range(2):  # a reboot may find the rules there, or not
        assert guard.works()
        assert guard.rules("iptables") == [f"OUTPUT -d 169.254.169.254 {OF_ROOT_ALONE}"]
        assert guard.rules("ip6tables") == [f"OUTPUT -d fe80::a9fe:a9fe {OF_ROOT_ALONE}"]


@pytest.mark.parametrize("family", ["iptables", "ip6tables"])
def test_a_worker_that_cannot_keep_its_token_from_jobs_does_not_start(guard: Guard, family: str) -> None:
    guard.fails(family)
    assert not guard.works()


def test_a_worker_without_ipv6_starts_without_a_rule_for_it(guard: Guard) -> None:
    guard.fails("ip6tables")
    guard.interfaces.write_text("")
    assert guard.works()
    guard.interfaces.unlink()
    assert guard.works()
    assert guard.rules("iptables") == [f"OUTPUT -d 169.254.169.254 {OF_ROOT_ALONE}"]


def test_a_worker_without_ipv6_needs_the_rule_of_ipv4_all_the_same(guard: Guard) -> None:
    guard.interfaces.unlink()
    guard.fails("iptables")
    assert not guard.works()


def test_a_machine_without_ip6tables_is_completed_first() -> None:
    listed = re.search(r"for program in (.*); do", render(FACTS))
    assert listed
    assert {"iptables", "ip6tables"} <= set(listed[1].split())
