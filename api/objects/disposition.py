"""The header that makes a download a file, under a name that may have any characters (RFC 6266). Pure."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote


def content_disposition(filename: str) -> str:
    """`Content-Disposition` for a download: never shown in the browser, saved as `filename` or something close to it."""
    folded = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode()
    plain = "".join(character if character.isalnum() or character in " ._-+" else "_" for character in folded)
    plain = plain.strip(" .") or "download"
    if plain == filename:
        return f'attachment; filename="{plain}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='', errors='replace')}"
