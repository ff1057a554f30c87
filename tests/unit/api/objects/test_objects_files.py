"""Keys and paths of files: none leaves the folder, no two meet, and every path leads back."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from api.objects.files import child, folder_path, path_of

components = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=400)
keys = st.lists(components, min_size=1, max_size=4).map("/".join)


def key_of(path: list[str]) -> str:
    key, piece = "", ""
    for name in path:
        found = child(key, piece, name)
        assert found is not None
        key, piece, is_object = found
        assert is_object == (name is path[-1])
    assert not piece
    return key


@given(keys)
@example("..")
@example("~/%2e/é")
@example("x" * 180)
@example("x" * 181)
@example("é" * 350)
def test_every_path_is_made_of_plain_names_and_leads_back(key: str) -> None:
    path = path_of(key)
    assert all(re.fullmatch(r"[cdf]-[A-Za-z0-9._%\-]{1,180}", name) for name in path)
    assert key_of(path) == key


@given(st.sets(keys, min_size=2, max_size=5))
def test_no_object_has_the_path_of_another_or_of_a_folder(names: set[str]) -> None:
    objects = {tuple(path_of(key)) for key in names}
    folders = {tuple(folder_path(key.split("/"))) for key in names}
    assert len(objects) == len(folders) == len(names)
    taken = {path[:end] for path in (*objects, *folders) for end in range(1, len(path))} | folders
    assert not objects & taken


def test_what_is_not_of_the_store_is_passed_over() -> None:
    assert child("", "", "lost+found") is None
    assert child("", "", "f-%FF") is None
