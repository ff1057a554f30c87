"""`drain`: a wish, for a server or a site that there is, and the wait until it is taken up."""

from __future__ import annotations

import threading
import time

import pytest

from cloud_provisioner.admin.drain import taken_up
from cloud_provisioner.store.wishes import Kind, Wish
from tests.unit.cloud_provisioner.admin.admin_service import AdminService
from tests.unit.cloud_provisioner.store.acting import SECONDS, Acting, Clock, intent

ONE, TWO = "a1" + "0" * 30, "a2" + "0" * 30


@pytest.fixture
def servers(admin: AdminService) -> AdminService:
    admin.acting.store.write([intent(ONE), intent(TWO, site="B/vo")])
    return admin


def wanted(admin: AdminService) -> list[tuple[Kind, str]]:
    return [(wish.kind, wish.what) for wish in admin.acting.store.wishes()]


@pytest.mark.parametrize("words", [ONE, "a1", "A1", f"{ONE[:8]}-{ONE[8:]}"])
def test_a_server_is_found_by_the_first_digits_of_its_uuid(servers: AdminService, words: str) -> None:
    code, out, _ = servers.run("drain", words, "--no-wait")
    assert (code, out) == (0, f"Server {ONE} at A is to be given back.\n")
    assert wanted(servers) == [(Kind.DRAIN_SERVER, ONE)]


def test_digits_that_several_begin_with_are_refused(servers: AdminService) -> None:
    code, _, err = servers.run("drain", "a")
    assert (code, wanted(servers)) == (1, [])
    assert err == f"Several servers begin with a: {ONE}, {TWO}. Say more of it.\n"


def test_an_unknown_server_is_refused_with_those_that_there_are(servers: AdminService) -> None:
    code, _, err = servers.run("drain", "ffff")
    assert (code, wanted(servers)) == (1, [])
    assert err == "There is no server ffff. There are: a1000000, a2000000.\n"


def test_a_site_is_one_that_is_described_or_has_servers(servers: AdminService) -> None:
    code, _, err = servers.run("drain", "--site", "C")
    assert (code, err) == (1, "There is no site C. There are: A, B, here.\n")
    code, out, _ = servers.run("drain", "--site", "B", "--no-wait")
    assert (code, out) == (0, "What B has now, 1 server, is to be given back.\n")
    assert servers.run("drain", "--site", "here", "--no-wait")[0] == 0
    assert wanted(servers) == [(Kind.DRAIN_SITE, "B"), (Kind.DRAIN_SITE, "here")]


@pytest.mark.parametrize("words", [(), ("a1", "--site", "B")])
def test_one_of_both_is_to_be_said(servers: AdminService, words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        servers.run("drain", *words)
    assert ended.value.code == 2


def test_it_waits_until_the_provisioner_has_taken_it_up(servers: AdminService) -> None:
    def act() -> None:
        deadline = time.monotonic() + 20
        while not (waiting := servers.acting.store.wishes()) and time.monotonic() < deadline:
            time.sleep(0.02)
        servers.acting.store.done([wish.number for wish in waiting], 1.0)

    provisioner = threading.Thread(target=act)
    provisioner.start()
    code, out, _ = servers.run("drain", "a1", "--timeout", "20")
    provisioner.join()
    assert code == 0
    assert out.endswith("has taken it up: `prominence-admin servers` shows how far it is.\n")


@pytest.mark.parametrize("words", ["drain a1", "sites check here"])
@pytest.mark.parametrize("timeout", ["-1", "nan", "inf", "soon"])
def test_a_time_that_is_none_is_wrong_usage(servers: AdminService, words: str, timeout: str) -> None:
    with pytest.raises(SystemExit) as ended:
        servers.run(*words.split(), f"--timeout={timeout}")
    assert ended.value.code == 2
    assert wanted(servers) == []


def test_a_provisioner_that_does_not_take_it_up_is_told_of(servers: AdminService) -> None:
    code, _, err = servers.run("drain", "a1", "--timeout", "0")
    assert (code, err) == (1, "The provisioner has not taken it up within 0 s: its log says why.\n")


def test_where_no_provisioner_acts_the_wish_stays_for_one_that_will(servers: AdminService) -> None:
    servers.acting.lease.release()
    code, _, err = servers.run("drain", "a1")
    assert code == 1
    assert err.endswith("It will be done then.\n")
    assert wanted(servers) == [(Kind.DRAIN_SERVER, ONE)]
    assert servers.run("drain", "a1", "--no-wait")[0] == 0


def test_a_provisioner_that_turns_out_to_have_been_killed_is_told_of(servers: AdminService) -> None:
    servers.acting.lease.release()
    killed = Acting(servers.database, Clock(time.time() - SECONDS + 0.3))
    assert killed.lease.acquire()
    code, _, err = servers.run("drain", "a1", "--timeout", "1")
    assert code == 1
    assert err.startswith("No provisioner acts for service; the last one, one, did until ")
    assert err.endswith("It will be done then.\n")


def test_a_wish_that_was_forgotten_was_taken_up(servers: AdminService) -> None:
    now = [0.0]

    class Forgetful:
        def wished(self, number: int) -> Wish | None:
            return None if now[0] > 1 else Wish(number, Kind.DRAIN_SERVER, ONE, 0.0)

    def sleep(seconds: float) -> None:
        now[0] += seconds

    assert taken_up(Forgetful(), 1, 5, lambda: now[0], sleep)  # type: ignore[arg-type]
    assert now[0] <= 2
