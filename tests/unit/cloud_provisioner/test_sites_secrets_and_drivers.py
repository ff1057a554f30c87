"""Secrets by reference; drivers by folder; and no file, whatever is in it, raises anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_provisioner import drivers
from cloud_provisioner.errors import DriverUnknown, SecretUnusable
from cloud_provisioner.sites.catalogue import Reader
from cloud_provisioner.sites.loading import load
from cloud_provisioner.sites.secrets import SecretReference
from tests.unit.cloud_provisioner.site_texts import EGI, OPENSTACK, local, write


def test_a_secret_is_read_from_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"hunter 2\r\n")
    file.chmod(0o600)
    assert SecretReference.model_validate({"file": str(file)}).read({}) == "hunter 2"
    assert SecretReference.model_validate({"env": "X"}).read({"X": "hunter2"}) == "hunter2"


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [(None, 0, "cannot be read"), (b"x", 0o644, "others may use"), (b"\n", 0o600, "empty"), (b"\xff", 0o600, "UTF-8")],
)
def test_a_secret_that_cannot_be_used_says_why(tmp_path: Path, content: bytes | None, mode: int, why: str) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
        file.chmod(mode)
    with pytest.raises(SecretUnusable, match=why) as raised:
        SecretReference.model_validate({"file": str(file)}).read({})
    assert str(file) in raised.value.source


def test_a_variable_that_is_not_set_says_so() -> None:
    with pytest.raises(SecretUnusable, match="not set"):
        SecretReference.model_validate({"env": "X"}).read({})


def test_a_driver_is_known_as_soon_as_its_folder_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DriverUnknown):
        drivers.description("newcloud")
    (tmp_path / "newcloud").mkdir()
    (tmp_path / "newcloud" / "__init__.py").touch()
    (tmp_path / "newcloud" / "schema.py").write_text(
        "from cloud_provisioner.sites.base import Site\n\n\nclass New(Site):\n    colour: str\n\n\nDESCRIPTION = New\n"
    )
    monkeypatch.setattr(drivers, "__path__", [*drivers.__path__, str(tmp_path)])
    folder = tmp_path / "sites.d"
    folder.mkdir()
    write(folder, {"n.yaml": "name: N\ndriver: newcloud\nvos: {a: }\n"})
    assert [one.key for one in load([folder]).problems] == ["colour"]
    write(folder, {"n.yaml": "name: N\ndriver: newcloud\nvos: {a: }\ncolour: red\n"})
    assert [site.driver for site in load([folder]).sites.values()] == ["newcloud"]


GOOD = [*EGI.values(), OPENSTACK, local("A", limits="{cores: 1}"), "serve: [a]\nsites: {CENI: {tier: 1}}\n"]
NAMES = ["a.yaml", "egi-defaults.yaml", "vo-mappings.yaml"]
WORDS = [
    "",
    "~",
    "[]",
    "{}",
    "- a",
    "&a",
    "*a",
    "!!int",
    "<<",
    '"',
    "\t",
    "\0",
    "9" * 400,
    "1e999",
    ".nan",
    ": ",
    "\n",
    "[key]",
]


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A good description, with something in it replaced."""
    text = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        word = draw(st.sampled_from(WORDS) | st.text(max_size=3))
        text = text[:start] + word + text[start + draw(st.integers(0, 12)) :]
    return text.encode(errors="surrogatepass")


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(NAMES), spoilt() | st.binary(max_size=60))
def test_whatever_is_in_a_file_becomes_a_site_or_sentences_with_lines(name: str, content: bytes) -> None:
    around = {"/d/CENI.yaml": EGI["CENI.yaml"].encode(), "/d/own.yaml": local("OWN").encode()}
    found = Reader().catalogue({**around, f"/d/{name}": content}, {})
    assert "/d/own.yaml" in found.sites, "another file goes on"
    for problem in found.problems:
        assert problem.line >= 1
        assert problem.line <= content.count(b"\n") + 1 or problem.file != f"/d/{name}"
        assert "\n" not in str(problem)
        assert str(problem).isprintable()
