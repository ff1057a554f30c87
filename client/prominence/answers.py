"""Answers of the service as Python values; what is no answer of the service is an UnexpectedAnswer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Union

import requests

from prominence.errors import InvalidInput, UnexpectedAnswer
from prominence.jobs import Document

YAML = "application/yaml"

Described = Union[Mapping[str, Any], Sequence[Any], bytes]
"""A job or workflow as it is sent: as decoded JSON, or as YAML in UTF-8, which goes to the service as it stands."""


class Answers:
    """Reads answers of the service at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def decoded(self, response: requests.Response) -> object:
        """Return what the JSON of an answer stands for."""
        try:
            answer: object = response.json()
        except (ValueError, RecursionError):
            raise self.unexpected(response) from None
        return answer

    def documents(self, response: requests.Response) -> list[Document]:
        """Return the jobs or workflows in an answer."""
        answer = self.decoded(response)
        if not isinstance(answer, list) or not all(_is_document(entry) for entry in answer):
            raise self.unexpected(response)
        return answer

    def created(self, response: requests.Response) -> int:
        """Return the id of what was created."""
        answer = self.decoded(response)
        number = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(number, int):
            raise self.unexpected(response)
        return number

    def unexpected(self, response: requests.Response) -> UnexpectedAnswer:
        """Return the error for an answer that is none of the service's."""
        return UnexpectedAnswer(
            f"{self._url} answered something that is no answer of the service: check PROMINENCE_URL.",
            status=response.status_code,
        )


def encoded(value: object, what: str = "job") -> bytes:
    """Return the JSON of a description. Raises InvalidInput where it has none."""
    try:
        return json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"The {what}'s description cannot be written as JSON: {error}.") from None


def body(description: Described, what: str) -> tuple[bytes, dict[str, str]]:
    """Return a description as the body of a request, and the headers that say what it is. Raises InvalidInput."""
    if isinstance(description, bytes):
        return description, {"Content-Type": YAML}
    return encoded(description, what), {}


def joined(ids: Iterable[int]) -> str:
    """Return ids as the service reads them."""
    return ",".join(str(number) for number in ids)


def list_parameters(
    completed: bool,
    num: int | None,
    all: bool,
    status: str | None,
    name: str | None,
    constraint: str | None,
    ids: Iterable[int] | None,
    detail: bool,
) -> dict[str, str]:
    """Return what to ask of a list in the service's words."""
    flags = {"completed": completed, "all": all, "detail": detail}
    texts = {
        "status": status,
        "name": name,
        "constraint": constraint,
        "num": None if num is None else str(num),
        "id": None if ids is None else joined(ids),
    }
    return {key: "true" for key, wanted in flags.items() if wanted} | {
        key: text for key, text in texts.items() if text is not None
    }


def _is_document(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("id"), int) and isinstance(entry.get("status"), str)
