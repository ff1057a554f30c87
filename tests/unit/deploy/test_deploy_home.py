"""The environment of a one-machine start, as settings; and the folder in which an instance keeps its things."""

from __future__ import annotations

import ipaddress
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import DeployError
from deploy.home import Home, Settings, from_environment


def settings(**environ: str) -> Settings:
    return from_environment({"HOME": "/home/alice", **environ})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, {"home": Path("/home/alice/.prominence"), "cache": Path("/home/alice/.cache/prominence")}),
        ({"XDG_CACHE_HOME": "/var/cache/alice"}, {"cache": Path("/var/cache/alice/prominence")}),
        ({"XDG_CACHE_HOME": "/var/cache/alice", "PROMINENCE_CACHE": "/c"}, {"cache": Path("/c")}),
        ({"PROMINENCE_HOME": "/srv/prominence"}, {"home": Path("/srv/prominence")}),
        ({"PROMINENCE_HOME": ""}, {"home": Path("/home/alice/.prominence")}),
        (
            {},
            {
                "port": 8080,
                "workers": 0,
                "most_workers": 1,
                "registry_mirror": "",
                "url": "http://127.0.0.1:8080/prominence/v1",
            },
        ),
        ({"PROMINENCE_PORT": "9000"}, {"port": 9000, "url": "http://127.0.0.1:9000/prominence/v1"}),
        ({"PROMINENCE_PORT": ""}, {"port": 8080}),
        ({"PROMINENCE_WORKERS": "0"}, {"workers": 0, "most_workers": 1}),
        (
            {"PROMINENCE_WORKERS": "3", "PROMINENCE_WORKER_CPUS": "2"},
            {"workers": 3, "most_workers": 3, "worker_cpus": 2},
        ),
        ({"PROMINENCE_WORKERS": "2", "PROMINENCE_MOST_WORKERS": "4"}, {"workers": 2, "most_workers": 4}),
        ({"PROMINENCE_MOST_WORKERS": "0"}, {"workers": 0, "most_workers": 0}),
        ({"PROMINENCE_REGISTRY_MIRROR": "http://127.0.0.1:5000/"}, {"registry_mirror": "http://127.0.0.1:5000"}),
        ({"PROMINENCE_REGISTRY_MIRROR": "https://[::1]:5000"}, {"registry_mirror": "https://[::1]:5000"}),
        ({"PROMINENCE_COLOUR": "green"}, {"port": 8080}),
    ],
)
def test_what_the_environment_says_is_set(environ: dict[str, str], expected: dict[str, Any]) -> None:
    chosen = settings(**environ)
    assert {name: getattr(chosen, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PROMINENCE_PORT", "http"),
        ("PROMINENCE_PORT", "80"),
        ("PROMINENCE_PORT", "65536"),
        ("PROMINENCE_PORT", "8080 "),
        ("PROMINENCE_PORT", "-1"),
        ("PROMINENCE_PORT", "9" * 30),
        ("PROMINENCE_WORKERS", "65"),
        ("PROMINENCE_WORKERS", "1.5"),
        ("PROMINENCE_MOST_WORKERS", "65"),
        ("PROMINENCE_MOST_WORKERS", "-1"),
        ("PROMINENCE_WORKER_CPUS", "0"),
        ("PROMINENCE_WORKER_CPUS", "129"),
        ("PROMINENCE_HOME", "/srv/a b"),
        ("PROMINENCE_HOME", "/srv/a,b"),
        ("PROMINENCE_HOME", "/srv/$(id)"),
        ("PROMINENCE_HOME", "/srv/a\n"),
        ("PROMINENCE_CACHE", "/srv/a:b"),
        ("PROMINENCE_REGISTRY_MIRROR", "127.0.0.1:5000"),
        ("PROMINENCE_REGISTRY_MIRROR", "http://mirror\nSUPER = 1"),
        ("PROMINENCE_REGISTRY_MIRROR", 'http://mirror"$(x)'),
        ("PROMINENCE_REGISTRY_MIRROR", "ftp://mirror"),
        ("PROMINENCE_REGISTRY_MIRROR", "http://mirror:5000"),
        ("PROMINENCE_REGISTRY_MIRROR", "https://mirror/path"),
    ],
)
def test_garbage_is_refused_with_a_sentence_that_names_the_variable(name: str, text: str) -> None:
    with pytest.raises(DeployError) as refused:
        settings(**{name: text})
    assert str(refused.value).startswith(f"{name} is {text!r}: ")
    assert str(refused.value).endswith(".")


def test_a_relative_home_is_that_folder_whatever_the_process_does_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings(PROMINENCE_HOME="here").home == tmp_path / "here"


def test_workers_share_the_memory_of_the_machine_and_leave_some_of_it() -> None:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    for ready, most in ((0, 0), (0, 1), (1, 1), (4, 1), (1, 4)):
        chosen = settings(PROMINENCE_WORKERS=str(ready), PROMINENCE_MOST_WORKERS=str(most))
        assert 0 < chosen.worker_memory * max(1, ready, most) < memory


@pytest.mark.parametrize("port", [1024, 8080, 65535])
def test_nodes_have_loopback_addresses_of_their_own(port: int) -> None:
    addresses = {settings(PROMINENCE_PORT=str(port)).address(number) for number in (1, *range(11, 75))}
    assert len(addresses) == 65
    assert all(ipaddress.ip_address(address).is_loopback for address in addresses)
    assert "127.0.0.1" not in addresses


def test_instances_on_two_ports_never_meet() -> None:
    one, other = (settings(PROMINENCE_PORT=str(port)) for port in (8080, 8081))
    numbers = (1, *range(11, 75))
    assert not {one.address(n) for n in numbers} & {other.address(n) for n in numbers}


def test_the_folders_of_an_instance_are_private_where_they_hold_secrets_or_jobs(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "home")
    home.make()
    home.keys.chmod(0o755)
    home.make()
    modes = {folder.name: stat.S_IMODE(folder.stat().st_mode) for folder in home.path.iterdir()}
    assert {name: modes[name] for name in ("keys", "sandboxes", "run", "log")} == {
        "keys": 0o700,
        "sandboxes": 0o700,
        "run": 0o700,
        "log": 0o700,
    }
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o711
    assert all(not mode & 0o022 for mode in modes.values())


def test_all_that_belongs_to_an_instance_is_below_its_home() -> None:
    home = Home(Path("/srv/prominence"))
    places = [getattr(home, name) for name, value in vars(Home).items() if isinstance(value, property)]
    assert len(places) >= 9
    assert all(place.is_relative_to(home.path) for place in places)
    assert len(set(places)) == len(places)
