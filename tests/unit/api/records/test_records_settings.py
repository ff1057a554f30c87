"""Settings of the records: refused by key, never showing a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.records.errors import SettingsUnusable
from api.records.settings import load, shown

GOOD = 'database = "postgresql+psycopg://u:s3cret@db/records"\ndeparted = "/d"\nsandboxes = "/s"\n'


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "records.toml"
    file.write_text(GOOD)
    settings = load(file)
    assert "s3cret" not in shown(settings) + repr(settings)
    assert settings.database.get_secret_value().endswith("s3cret@db/records")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (GOOD + 'other = "x"\n', "other"),
        (GOOD.replace("departed", "dep"), "departed"),
        (GOOD.replace("postgresql+psycopg", "mysql"), "database"),
        ("database = ", "TOML"),
        (None, "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_refused_by_key_without_its_value(tmp_path: Path, text: str | None, word: str) -> None:
    file = tmp_path / "records.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsUnusable) as refused:
        load(file)
    assert word in str(refused.value)
    assert "s3cret" not in str(refused.value)
