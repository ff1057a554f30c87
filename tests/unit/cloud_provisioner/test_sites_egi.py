"""EGI's own descriptions become sites as they are, with what stands beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_provisioner.drivers.openstack.schema import OpenStackSite
from cloud_provisioner.sites.loading import load
from tests.unit.cloud_provisioner.site_texts import EGI, local, write


def sites(folder: Path) -> dict[str, OpenStackSite]:
    """The sites of a folder, which are OpenStack's."""
    found = {}
    for site in load([folder]).sites.values():
        assert isinstance(site, OpenStackSite)
        found[site.name] = site
    return found


def problems(folder: Path) -> list[str]:
    """What is wrong with the files of a folder, without notes."""
    return [str(one).removeprefix(f"{folder}/") for one in load([folder]).problems if not one.note]


def test_egis_files_need_nothing_beside_them(tmp_path: Path) -> None:
    write(tmp_path, {"CENI.yaml": EGI["CENI.yaml"]})
    site = sites(tmp_path)["CENI"]
    assert site.credentials.model_dump() == {"type": "user_grant", "identity_provider": "egi.eu", "protocol": "openid"}
    assert {name: vo.project_id for name, vo in site.vos.items()} == {
        "ops": "90c0ce1b2f1545c0b9a05d9a8fd45102",
        "vo.access.egi.eu": "b106744c783543518f505dda45632697",
    }
    assert load([tmp_path]).problems == ()


def test_egis_own_words_and_the_entitlements_are_taken_over(tmp_path: Path) -> None:
    site = sites(write(tmp_path, EGI))["fedcloud.srce.hr"]
    assert site.cloud_region == "two"
    assert site.credentials.model_dump()["protocol"] == "oidc"
    vo = site.vos["/biomed/vip"]
    assert vo.project_id == "12345e67890123456789012345678901"
    assert vo.entitlement == "urn:mace:egi.eu:group:biomed:role=vm_operator#aai.egi.eu"


def test_odd_entitlements_are_noted_and_refuse_nothing(tmp_path: Path) -> None:
    found = load([write(tmp_path, EGI)])
    assert all(problem.note for problem in found.problems)
    assert [(Path(one.file).name, one.line) for one in found.problems] == [
        ("CENI.yaml", 13),
        ("vo-mappings.yaml.txt", 4),
    ]


DEFAULTS = """serve: [ops, vo.access.egi.eu]
identity_provider: other.eu
protocol: mapped
limits: {servers: 10, cores: 100}
sites:
  CENI:
    limits: {servers: 2}
"""


def test_defaults_hold_for_all_and_those_of_a_site_before_them(tmp_path: Path) -> None:
    more = {"egi-defaults.yaml": DEFAULTS, "BIFI.yaml": EGI["CENI.yaml"].replace("gocdb: CENI", "gocdb: BIFI")}
    found = sites(write(tmp_path, EGI | more))
    assert found.keys() == {"CENI", "BIFI"}, "a site without any of the VOs that are served is left out"
    assert (found["BIFI"].limits.servers, found["BIFI"].limits.cores) == (10, 100)
    assert (found["CENI"].limits.servers, found["CENI"].limits.cores) == (2, None)
    assert found["CENI"].credentials.model_dump()["identity_provider"] == "other.eu"
    assert found["CENI"].credentials.model_dump()["protocol"] == "mapped"


WRONG = {
    "a typo in the defaults": (
        "egi-defaults.yaml",
        "imag: {name: x}\n",
        "1: imag: is not a known key: did you mean `image`?",
    ),
    "a typo below a site": (
        "egi-defaults.yaml",
        "sites:\n  CENI:\n    limits: {server: 1}\n",
        "3: limits.server: is not a known key: did you mean `servers`?",
    ),
    "a key that is the files'": ("egi-defaults.yaml", "vos: {}\n", "1: vos: must not stand here"),
    "one project for all": (
        "egi-defaults.yaml",
        "credentials:\n  type: application_credential\n  id: x\n  secret: {env: X}\n",
        "2: credentials.type: must be another type",
    ),
    "a bad flavor in the defaults": (
        "egi-defaults.yaml",
        "flavors:\n  min_cores: x\n",
        "2: flavors.min_cores: must be a whole",
    ),
    "a typo in the entitlements": ("vo-mappings.yaml", "vo: {}\n", "1: vo: is not a known key: did you mean `vos`?"),
    "an entitlement twice": (
        "vo-mappings.yaml",
        "vos:\n  a: x\n  a: y\n",
        "3: vos.a: stands here a second time, after line 2",
    ),
    "a VO twice": (
        "CENI.yaml",
        EGI["CENI.yaml"].replace("vo.access.egi.eu", "ops"),
        "13: vos[1].name: maps the VO ops a second time, after line 10",
    ),
    "a typo in EGI's file": (
        "CENI.yaml",
        EGI["CENI.yaml"].replace("gocdb", "gocbd"),
        "2: gocbd: is not a known key: did you mean `gocdb`?",
    ),
    "no project": (
        "CENI.yaml",
        EGI["CENI.yaml"].replace("project_id: 9", "project: 9"),
        "11: vos[0].auth.project_id: is missing",
    ),
    "http": ("CENI.yaml", EGI["CENI.yaml"].replace("https", "http"), "3: endpoint: must begin with https"),
}


@pytest.mark.parametrize(("file", "text", "says"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_where_it_stands(tmp_path: Path, file: str, text: str, says: str) -> None:
    files = {name: one for name, one in EGI.items() if not name.startswith("vo-")}
    found = problems(write(tmp_path, {**files, file: text}))
    assert any(one.startswith(f"{file}:{says}") for one in found), found
    assert all(one.startswith(f"{file}:") for one in found)


def test_one_file_is_checked_with_what_stands_beside_it(tmp_path: Path) -> None:
    write(tmp_path, EGI | {"egi-defaults.yaml": DEFAULTS})
    (site,) = load([tmp_path / "CENI.yaml"]).sites.values()
    assert site.limits.servers == 2


def notes(path: Path, folder: Path) -> list[str]:
    """What is to note of the files at a path, which are in a folder."""
    return [str(one).removeprefix(f"{folder}/") for one in load([path]).problems if one.note]


UNHEARD = """serve: [vo.acess.egi.eu, ops,
  vo.of.nobody]
sites:
  ceni: {limits: {servers: 1}}
  fedcloud.srce: {tier: 1}
  NOWHERE: {tier: 1}
  fedcloud.srce.hr: {tier: 1}
"""


def test_names_in_the_defaults_that_none_of_egis_files_has_are_noted(tmp_path: Path) -> None:
    files = {name: text for name, text in EGI.items() if not name.startswith("vo-")}
    files["SRCE.yaml"] = files["SRCE.yaml"].replace("https", "http")
    write(tmp_path, files | {"egi-defaults.yaml": UNHEARD, "own.yaml": local("NOWHERE")})
    no_site, no_vo = (
        "note: is no site of EGI's files that can be read",
        "note: is no VO of EGI's files that can be read",
    )
    found = notes(tmp_path, tmp_path)
    assert [one for one in found if one.startswith("egi-defaults.yaml")] == [
        f"egi-defaults.yaml:1: serve[0]: {no_vo}: did you mean `vo.access.egi.eu`?",
        f"egi-defaults.yaml:2: serve[2]: {no_vo}: it is served nowhere",
        f"egi-defaults.yaml:4: sites.ceni: {no_site}: did you mean `CENI`?",
        f'egi-defaults.yaml:5: sites["fedcloud.srce"]: {no_site}: did you mean `fedcloud.srce.hr`?',
        f"egi-defaults.yaml:6: sites.NOWHERE: {no_site}: what it says is not used",
    ], "a site whose file is refused for something else is one nevertheless"
    assert notes(tmp_path / "CENI.yaml", tmp_path) == [], "what the other files say is not known"


def test_a_wrong_key_of_the_defaults_keeps_no_other_from_being_told(tmp_path: Path) -> None:
    defaults = """serve: ops
protocol: [openid]
imag: {name: x}
limits: {servers: x}
sites:
  CENI: {tier: x, limits: {}}
  SRCE: text
"""
    found = problems(write(tmp_path, {"CENI.yaml": EGI["CENI.yaml"], "egi-defaults.yaml": defaults}))
    assert [one.removeprefix("egi-defaults.yaml:").partition(": is not a ")[0] for one in found] == [
        "1: serve: must be a list: a line `- value` for each entry",
        "2: protocol: must be a text",
        "3: imag",
        "4: limits.servers: must be a whole number",
        "6: tier: must be a whole number",
        "7: sites.SRCE: must be `key: value` lines, indented below it",
    ]


@pytest.mark.parametrize("before", ["", "sites:\n CENI:\n  "])
def test_an_application_credential_in_the_defaults_is_one_mistake_and_no_more(tmp_path: Path, before: str) -> None:
    credentials = "credentials: {type: application_credential, id: x, secret: {env: X}}\n"
    write(tmp_path, {"CENI.yaml": EGI["CENI.yaml"], "egi-defaults.yaml": before + credentials})
    (found,) = problems(tmp_path)
    assert "credentials.type: must be another type" in found


def test_while_a_file_beside_them_is_refused_each_of_egis_files_says_so(tmp_path: Path) -> None:
    write(tmp_path, EGI | {"egi-defaults.yaml": "limts: {}\n", "own.yaml": local("OWN")})
    assert [site.name for site in load([tmp_path]).sites.values()] == ["OWN"]
    says = "note: waits for egi-defaults.yaml to be corrected: there is no site of it until then"
    assert {f"CENI.yaml:1: {says}", f"SRCE.yaml:1: {says}"} <= set(notes(tmp_path, tmp_path))
    write(tmp_path, {"vo-mappings.yaml.txt": "vo: {}\n", "SRCE.yaml": "gocdb: SRCE\n"})
    found = notes(tmp_path, tmp_path)
    assert [one for one in found if "waits" in one] == [
        f"CENI.yaml:1: {says.replace('yaml to', 'yaml and vo-mappings.yaml.txt to')}"
    ], "a file that is wrong itself says that"


@pytest.mark.parametrize("text", ["# nothing yet\n", "---\n# limits: {servers: 1}\n", "{}\n"])
@pytest.mark.parametrize("file", ["egi-defaults.yaml", "vo-mappings.yaml"])
def test_a_file_of_comments_beside_them_says_nothing(tmp_path: Path, file: str, text: str) -> None:
    write(tmp_path, {"CENI.yaml": EGI["CENI.yaml"]})
    alone = load([tmp_path]).sites
    write(tmp_path, {file: text})
    assert problems(tmp_path) == []
    assert load([tmp_path]).sites == alone


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_a_file_beside_them_without_a_word_is_refused_as_half_written(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"CENI.yaml": EGI["CENI.yaml"], "egi-defaults.yaml": text})
    says = "is empty: take it away, or leave a comment in it where it is to say nothing"
    assert problems(tmp_path) == [f"egi-defaults.yaml:1: {says}"]
