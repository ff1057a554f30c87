"""Files of settings: what is wrong is told by file and key, and no value with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

import api.records.settings
import api.settings
import cloud_provisioner.settings
from identity.settings_file import read
from identity.settings_sentences import MOST, sentences

SECRET = b"hunter2"


def _even(number: int) -> int:
    if number % 2:
        raise ValueError("give an even number")
    return number


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Inner(Section):
    size: int
    share: Annotated[float, Field(gt=0, le=1)] = 0.5


class Small(Section):
    kind: Literal["small"]


class Large(Section):
    kind: Literal["large"]
    rooms: Annotated[int, AfterValidator(_even)] = 2


class Model(Section):
    word: SecretStr
    inner: Inner
    house: Annotated[Small | Large, Field(discriminator="kind")] = Small(kind="small")
    words: tuple[str, ...] = Field(("a",), min_length=1)
    inners: tuple[Inner, ...] = Field((Inner(size=1),), min_length=1)
    names: dict[Annotated[str, Field(min_length=1)], str] = {}


class Unusable(Exception):
    """What the test's settings raise."""


def test_what_is_well_formed_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(b'word = "hunter2"\ninner = {size = 3}\n')
    found = read(file, Model, Unusable)
    assert (found.word.get_secret_value(), found.inner.size) == ("hunter2", 3)


GOOD = 'word = "hunter2"\n'
INNER = "inner = {size = 3}\n"
WRONG = [
    (GOOD + 'inner = {size = "hunter2"}', ["inner.size: must be a whole number."]),
    (GOOD + "inner = {size = 3, share = 2}", ["inner.share: must be at most 1."]),
    (GOOD + "inner = 3", ["inner: must be a table: a section with keys of its own."]),
    (GOOD, ["inner: is required."]),
    (INNER + 'wrod = "hunter2"', ["wrod: there is no such key; do you mean `word`?", "word: is required."]),
    (
        GOOD + "inner = {size = 3, hunter = 2}",
        ["inner.hunter: there is no such key; there are size, share."],
    ),
    (GOOD + INNER + 'words = "hunter2"', ["words: must be a list: […]."]),
    (GOOD + INNER + "words = []", ["words: must have 1 or more entries."]),
    (GOOD + INNER + "words = [1]", ['words[0]: must be a text: "…".']),
    (
        GOOD + INNER + "[[inners]]\nsiez = 1",
        ["inners[0].siez: there is no such key; do you mean `size`?", "inners[0].size: is required."],
    ),
    (GOOD + INNER + "house = {}", ["house: must say which 'kind' it is: small or large."]),
    (GOOD + INNER + 'house = {kind = "hunter2"}', ["house: must have as 'kind' one of small or large."]),
    (
        GOOD + INNER + 'house = {kind = "large", roms = 1}',
        ["house.roms: there is no such key; do you mean `rooms`?"],
    ),
    (
        GOOD + INNER + 'house = {kind = "large", large = 1}',
        ["house.large: there is no such key; there are kind, rooms."],
    ),
    (GOOD + INNER + 'house = {kind = "large", rooms = 1}', ["house.rooms: give an even number."]),
    (GOOD + INNER + 'names = {"a.b" = 1}', ['names."a.b": must be a text: "…".']),
    (GOOD + INNER + 'names = {"" = "hunter2"}', ['names."": must not be empty.']),
]


@pytest.mark.parametrize(("content", "says"), WRONG)
def test_whatever_is_wrong_is_told_by_its_key_with_a_remedy_and_without_a_value(
    tmp_path: Path, content: str, says: list[str]
) -> None:
    file = tmp_path / "a.toml"
    file.write_text(content)
    with pytest.raises(Unusable) as caught:
        read(file, Model, Unusable)
    assert str(caught.value).splitlines() == [f"{file}: {each}" for each in says]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'word = "hunter2\n', "is not TOML: "),
        (b'word = "hunter2\xff"\n', "is not TOML: it is no text in UTF-8."),
    ],
)
def test_what_is_no_toml_is_told_without_a_value(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(content)
    with pytest.raises(Unusable) as caught:
        read(file, Model, Unusable)
    assert str(caught.value).startswith(f"{file} {says}")
    assert SECRET.decode() not in str(caught.value)


def test_of_very_many_faults_some_are_told_and_the_others_counted(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(GOOD + INNER + "\n".join(f"a{number} = 1" for number in range(1000)))
    with pytest.raises(Unusable) as caught:
        read(file, Model, Unusable)
    lines = str(caught.value).splitlines()
    assert len(lines) == MOST + 1
    assert lines[-1] == f"{file}: and {1000 - MOST} more things are wrong."


VALUES: tuple[Any, ...] = (True, -1, 0.5, float("inf"), "", "hunter2", [], [1], [""], {}, {"": 1}, {"a": 1})
SERVICES = (api.settings, api.records.settings, cloud_provisioner.settings)


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models(inner)


def documents(model: type[BaseModel]) -> Iterator[dict[str, Any]]:
    """Documents with any value for each key in turn, also below tables and in lists of tables."""
    for name, field in model.model_fields.items():
        yield from ({name: value} for value in VALUES)
        for inner in models(field.annotation):
            kind = get_args(inner.model_fields["kind"].annotation)[0] if "kind" in inner.model_fields else None
            for document in documents(inner):
                below = document if kind is None else {"kind": kind, **document}
                yield {name: below}
                yield {name: [below]}


@pytest.mark.parametrize("module", SERVICES, ids=lambda module: str(module.__name__))
def test_every_fault_of_every_key_of_the_service_has_a_sentence(module: Any) -> None:
    model: type[BaseModel] = get_type_hints(module.load)["return"]
    tried = 0
    for document in documents(model):
        with pytest.raises(ValidationError) as caught:
            model.model_validate(document)
        for sentence in sentences(caught.value, model):
            assert "cannot be used" not in sentence, (document, caught.value)
            assert SECRET.decode() not in sentence, document
        tried += 1
    assert tried > 100


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"a\.toml cannot be read: No such file or directory\."):
        read(tmp_path / "a.toml", Model, Unusable)
