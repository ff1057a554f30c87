"""What `sites validate` promises: a place and a remedy for everything that is wrong, and no secret repeated."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from cloud_provisioner.cli import main
from cloud_provisioner.sites import folder as disk
from cloud_provisioner.sites.loading import load
from tests.unit.cloud_provisioner.site_texts import EGI, OPENSTACK, local, write


def said(folder: Path, text: str | bytes) -> list[str]:
    """What is wrong with a description, as `LINE: KEY: sentence`."""
    file = folder / "a.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = load([file])
    assert all(problem.file == str(file) for problem in found.problems)
    assert not found.sites or not [problem for problem in found.problems if not problem.note]
    return [str(problem).removeprefix(f"{file}:") for problem in found.problems]


WRONG: dict[str, tuple[str | bytes, list[str]]] = {
    "empty": ("", ["1: is empty"]),
    "only a comment": ("# nothing\n", ["1: is empty"]),
    "an odd end of a line": ("name: a\n#\u2028\n", ["2: has a line break that few programs know"]),
    "a list": ("- a\n", ["1: must be `key: value` lines"]),
    "a text": ("a\n", ["1: must be `key: value` lines"]),
    "a tab": ("name: a\n\tdriver: local\n", ["2: begins with a tab"]),
    "a tab within": ("limits:\n  servers: 1\n\tcores: 2\n", ["3: begins with a tab"]),
    "no YAML": ("name: [a\ndriver: local\n", ["2: is not YAML"]),
    "no UTF-8": (b"name: a\nregion: \xff\n", ["2: is not UTF-8"]),
    "a control character": ("name: a\nregion: \0\n", ["2: has a control character"]),
    "two documents": (local("a") + "---\nname: b\n", ["5: begins a second YAML document"]),
    "an anchor": (local("a", group="&x y"), ["5: group: has an anchor"]),
    "an alias": (local("a", group="*x"), ["5: group: is an alias"]),
    "a tag": (local("a", group="!!str y"), ["5: group: has a tag"]),
    "a key that is a list": (local("a") + "? [a]\n: b\n", ["5: has a key that is no plain text"]),
    "too deep": ("a: " + "[" * 20_000, ["1: a[0][0][0][0][0][0][0][0][0][0][0]: is nested more than 12 deep"]),
    "too large": (local("a") + "#" * 70_000, ["1: has more than 64 KB"]),
    "a key twice": (local("a", region="x") + "region: y\n", ["6: region: stands here a second time, after line 5"]),
    "a VO twice": (
        local("a") + "vos:\n  ops: {}\n  b: {}\n  ops: {}\n",
        ["8: vos.ops: stands here a second time, after line 6"],
    ),
    "a typo": (local("a", keep_alife="1"), ["5: keep_alife: is not a known key: did you mean `keep_alive`?"]),
    "a typo within": (
        local("a", limits="\n  servers: 1\n  core: 2"),
        ["7: limits.core: is not a known key: did you mean `cores`?"],
    ),
    "a key of no meaning": (local("a", xyzzy="1"), ["5: xyzzy: is not a known key: use name, driver"]),
    "a driver that there is not": (
        local("a").replace("local", "lokal"),
        ["2: driver: is no driver: did you mean `local`?"],
    ),
    "a driver far from any": (local("a").replace("local", "zzzz"), ["2: driver: is no driver: use local or openstack"]),
    "no driver": ("name: a\nvos: {b: }\n", ["1: driver: is missing"]),
    "a missing key": ("name: a\ndriver: local\nfolder: /f\n", ["1: appliance: is missing: folder with the root"]),
    "a bad name": (local("a b"), ["1: name: must begin with a letter or digit"]),
    "no number": (local("a", keep_alive="soon"), ["5: keep_alive: must be a number"]),
    "not finite": (local("a", keep_alive=".inf"), ["5: keep_alive: must be a number"]),
    "an infinite word": (local("a", price="inf"), ["5: price: must be a finite number"]),
    "no whole number": (local("a", limits="\n  servers: 1.5"), ["6: limits.servers: must be a whole number"]),
    "too small": (local("a", limits="\n  servers: -1"), ["6: limits.servers: must be at least 0"]),
    "too large a number": (
        local("a", priority="9" * 5000),
        ["5: priority: must be a whole number of a reasonable size"],
    ),
    "no truth value": (local("a", enabled="perhaps"), ["5: enabled: must be true or false"]),
    "a text for a mapping": (local("a", limits="12"), ["5: limits: must be `key: value` lines"]),
    "a text for a list": (OPENSTACK + "networks: net\n", ["11: networks: must be a list"]),
    "a relative path": (local("a").replace("/a", "a"), ["3: appliance: must be a path from the root on"]),
    "no VO": (local("a", vos="{}"), ["5: vos: must name at least one virtual organisation"]),
    "a bad VO": (local("a", vos="\n  a b: {}"), ['6: vos["a b"]: as a key must be the name of a VO']),
    "no project": (OPENSTACK.replace("project_id: 12345e678", ""), ['9: vos["vo.a"]: must say which project']),
    "two projects": (
        OPENSTACK.replace("{project_id", "{project_name: x, project_id"),
        ['9: vos["vo.a"]: must have either `project_id` or `project_name`'],
    ),
    "http": (OPENSTACK.replace("https", "http"), ["3: endpoint: must begin with https"]),
    "no address": (OPENSTACK.replace("https://", ""), ["3: endpoint: must be an address such as"]),
    "a bad port": (OPENSTACK.replace("5000", "50000000"), ["3: endpoint: must be an address such as"]),
    "no image": (OPENSTACK.replace("name: worker", ""), ["10: image: must say which image"]),
    "flavors that cannot be": (
        OPENSTACK + "flavors: {min_cores: 4, max_cores: 2}\n",
        ["11: flavors: has a minimum above its maximum"],
    ),
    "a preemptible flavor that is not used": (
        OPENSTACK + "flavors: {names: [m1], preemptible: [m1, m2]}\n",
        ["11: flavors.preemptible: may name those alone that stand in `names` too"],
    ),
    "a kind of credentials that there is not": (
        OPENSTACK.replace("type: password", "type: pasword"),
        ["4: credentials: has a `type` that there is not: use one of user_grant, oidc_access_token"],
    ),
    "no kind of credentials": (OPENSTACK.replace("type: password", ""), ["4: credentials: must say which `type`"]),
    "a typo in credentials": (
        OPENSTACK.replace("username", "usernam"),
        ["4: credentials.username: is missing", "6: credentials.usernam: is not a known key: did you mean `username`?"],
    ),
    "projects with an application credential": (
        OPENSTACK.replace("type: password", "type: application_credential")
        .replace("username", "id")
        .replace("  password", "  secret"),
        ['9: vos["vo.a"]: must name no project'],
    ),
    "a secret from nowhere": (
        OPENSTACK.replace("file: /etc/secret", ""),
        ["7: credentials.password: must have either `env` or `file`"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_with_its_line_key_and_remedy(
    tmp_path: Path, text: str | bytes, expected: list[str]
) -> None:
    found = said(tmp_path, text)
    assert len(found) == len(expected), found
    for sentence, begins in zip(found, expected, strict=True):
        assert sentence.startswith(begins), sentence


def test_all_that_is_wrong_with_a_file_is_said_at_once(tmp_path: Path) -> None:
    found = said(tmp_path, local("a", prise="1", enabled="maybe", keep_alive="x", limits="\n  cores: -1") + "name: b\n")
    assert [one.split(":")[0] for one in found] == ["5", "6", "7", "9", "10"]


SECRETS = {
    "a password": OPENSTACK.replace("{file: /etc/secret}", "hunter2hunter2"),
    "a password as a file": OPENSTACK.replace("/etc/secret", "hunter2hunter2"),
    "a password as a variable": OPENSTACK.replace("{file: /etc/secret}", "{env: hunter2-hunter2}"),
    "a key of its own": OPENSTACK + "passwd: hunter2hunter2\n",
    "a list": OPENSTACK.replace("{file: /etc/secret}", "[hunter2hunter2]"),
    "in braces": OPENSTACK.replace("{file: /etc/secret}", "{hunter2hunter2}"),
    "in the address": OPENSTACK.replace("https://", "https://me:hunter2hunter2@"),
    "a token in any key": OPENSTACK + "group: eyJhbGciOiJIUzI1NiJ9.hunter2hunter2.x\n",
    "a private key": OPENSTACK + 'group: "-----BEGIN PRIVATE KEY----- hunter2hunter2"\n',
    "in a broken line": OPENSTACK.replace("{file: /etc/secret}", "{hunter2hunter2"),
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_a_secret_in_the_file_is_refused_and_not_repeated(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    assert main(["sites", "validate", str(write(tmp_path, {"a.yaml": text}))]) == 1
    shown = capfd.readouterr()
    assert "hunter2" not in shown.out + shown.err
    assert f"{tmp_path}/a.yaml:" in shown.err


def test_text_stays_what_it_is_where_text_is_meant(tmp_path: Path) -> None:
    """A project's id may look like a number, even like one that is too large for any."""
    file = tmp_path / "a.yaml"
    write(tmp_path, {"a.yaml": OPENSTACK.replace("12345e678", "0012345e67")})
    (site,) = load([file]).sites.values()
    assert site.vos["vo.a"].model_dump()["project_id"] == "0012345e67"


def test_two_sites_of_one_name_are_refused_with_both_files(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": local("X"), "b.yaml": "# first line\n" + local("X")})
    found = load([tmp_path])
    (problem,) = found.problems
    assert str(problem).startswith(
        f"{tmp_path}/b.yaml:2: name: `X` is also the name of the site in {tmp_path}/a.yaml:1"
    )


def test_two_folders_with_sites_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, {"a.yaml": local("X")})
    assert [problem.file for problem in load([tmp_path / "one", tmp_path / "two"]).problems] == [
        f"{tmp_path}/two/a.yaml"
    ]
    assert load([tmp_path / "one", tmp_path / "one" / "a.yaml"]).problems == ()


def test_a_pipe_a_folder_and_a_broken_link_hold_nothing_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "link.yaml").symlink_to("nowhere")
    write(tmp_path, {"good.yaml": local("X"), ".hidden.yaml": "?", "notes.txt": "?", "old.yaml~": "?"})
    found = load([tmp_path])
    assert [site.name for site in found.sites.values()] == ["X"]
    assert [Path(problem.file).name for problem in found.problems] == ["folder.yaml", "link.yaml", "pipe.yaml"]


LOOP = "cannot be read (Too many levels of symbolic links): put a file in the place of the link, which leads to itself"


def test_a_link_that_leads_to_itself_is_a_problem_of_that_file_alone(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    write(tmp_path, {"good.yaml": local("X")})
    found = load([tmp_path, tmp_path / "loop.yaml"])
    assert [site.name for site in found.sites.values()] == ["X"]
    assert [str(problem) for problem in found.problems] == [f"{tmp_path}/loop.yaml:1: {LOOP}"]


def test_a_link_that_leads_nowhere_beside_egis_files_is_told_of_with_each_of_them(tmp_path: Path) -> None:
    (tmp_path / "egi-defaults.yaml").symlink_to("nowhere")
    write(tmp_path, EGI)
    for path in (tmp_path, tmp_path / "CENI.yaml"):
        found = load([path])
        assert found.sites == {}
        assert [str(problem) for problem in found.problems if not problem.note] == [
            f"{tmp_path}/egi-defaults.yaml:1: cannot be read (No such file or directory): correct the path or the link"
        ]


def test_a_folder_of_too_many_files_says_to_take_some_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "MOST_FILES", 1)
    (problem,) = load([write(tmp_path, {"a.yaml": local("A"), "b.yaml": local("B")})]).problems
    assert str(problem) == f"{tmp_path}:1: cannot be listed (more than 1 descriptions): take files away"


def test_a_folder_that_may_not_be_listed_says_to_let_the_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(folder: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))

    with monkeypatch.context() as refusal:
        refusal.setattr(os, "scandir", denied)
        (problem,) = load([tmp_path]).problems
    says = "cannot be listed (Permission denied): let the account that runs this read it"
    assert str(problem) == f"{tmp_path}:1: {says}"


def test_good_sites_are_listed_and_the_exit_code_is_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"b.yaml": OPENSTACK, "a.yaml": local("X", enabled="false")})
    assert main(["sites", "validate", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        f"A: openstack, 1 VO ({tmp_path}/b.yaml)",
        f"X: local, all VOs, not enabled ({tmp_path}/a.yaml)",
    ]
    assert shown.err == (
        f"{tmp_path}/b.yaml:7: credentials.password: note: The secret in the file /etc/secret cannot be used: "
        "/etc/secret cannot be read (No such file or directory). Correct the file, or run this as the provisioner's account.\n"
    )


def test_a_secret_that_egis_defaults_name_is_noted_once_and_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    defaults = """limits: {servers: 2}
credentials:
  type: oidc_access_token
  access_token: {env: NOT_SET_ANYWHERE}
"""
    assert main(["sites", "validate", str(write(tmp_path, EGI | {"egi-defaults.yaml": defaults}))]) == 0
    (noted,) = [line for line in capsys.readouterr().err.splitlines() if "NOT_SET" in line]
    assert noted.startswith(f"{tmp_path}/egi-defaults.yaml:4: credentials.access_token: note: The secret in the envi")
    assert noted.endswith("it is empty or not set. Set the variable, or run this as the provisioner's account.")


@pytest.mark.parametrize("path", ["nothing", "empty"])
def test_a_path_without_sites_is_an_error(tmp_path: Path, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["sites", "validate", str(tmp_path / path)]) == 1
    assert str(tmp_path / path) in capsys.readouterr().err
