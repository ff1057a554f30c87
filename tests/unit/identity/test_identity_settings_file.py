"""Files of settings: what is wrong is told by file and key, and no value with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from identity.settings_file import read

SECRET = b"hunter2"


class Inner(BaseModel):
    size: int


class Model(BaseModel):
    word: SecretStr
    inner: Inner


class Unusable(Exception):
    """What the test's settings raise."""


def test_what_is_well_formed_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(b'word = "hunter2"\ninner = {size = 3}\n')
    found = read(file, Model, Unusable)
    assert (found.word.get_secret_value(), found.inner.size) == ("hunter2", 3)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'word = "hunter2"\ninner = {size = "hunter2"}\n', "inner.size: Input should be a valid integer"),
        (b'word = "hunter2"\n', "inner: Field required."),
        (b'word = "hunter2\n', "is not TOML: "),
        (b'word = "hunter2\xff"\n', "is not TOML: it is no text in UTF-8."),
    ],
)
def test_what_is_wrong_is_told_without_a_value(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(content)
    with pytest.raises(Unusable) as caught:
        read(file, Model, Unusable)
    assert str(caught.value).startswith(f"{file}")
    assert says in str(caught.value)
    assert SECRET.decode() not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"a\.toml cannot be read: No such file or directory\."):
        read(tmp_path / "a.toml", Model, Unusable)
