"""How the keys of a store become paths of files below a folder, and back. Pure.

Each component of a key is percent-encoded, so that only `[A-Za-z0-9._-]` and "%" stand in file names, and gets a prefix that
says what it is: "d-" for a folder, "f-" for the object, "c-" for a piece of a component that is too long for one file name
and goes on below. The three never meet, so an object `a` and a folder `a/` live side by side; no name can be ".", ".." or
hidden; two keys never share a path; and every path leads back to its key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote, unquote

_PIECE = 180
"""Characters of a component in one file name; file systems take 255."""


def path_of(key: str) -> list[str]:
    """The names from the store's folder to the file of an object."""
    *folders, name = key.split("/")
    return [*folder_path(folders), *_names(name, "f-")]


def folder_path(components: Sequence[str]) -> list[str]:
    """The names from the store's folder to a folder of a key."""
    return [name for component in components for name in _names(component, "d-")]


def child(key: str, piece: str, name: str) -> tuple[str, str, bool] | None:
    """What an entry of a folder is: `(key, piece, whether it is an object)`; None where it is nothing of the store.

    `key` is "" or ends in "/"; `piece` is what "c-" folders above say of the component that goes on, still encoded.
    """
    kind, rest = name[:2], piece + name[2:]
    if kind == "c-":
        return key, rest, False
    if kind not in ("d-", "f-"):
        return None
    try:
        decoded = unquote(rest, errors="strict")
    except UnicodeDecodeError:
        return None
    return (f"{key}{decoded}", "", True) if kind == "f-" else (f"{key}{decoded}/", "", False)


def _names(component: str, kind: str) -> Iterator[str]:
    encoded = quote(component, safe="").replace("~", "%7E")
    start = 0
    while len(encoded) - start > _PIECE:
        yield f"c-{encoded[start : start + _PIECE]}"
        start += _PIECE
    yield kind + encoded[start:]
