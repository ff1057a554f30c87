"""What an operation is: one method at one address, described once for the document, the page and the tests.

The bodies and answers are the pydantic models that requests are validated by, or that tests hold real answers to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from api.documents.answers import Empty, Error, ShownJob

JSON = "application/json"
YAML = "application/yaml"
TEXT = "text/plain"
BYTES = "application/octet-stream"

ANY_TEXT = {"type": "string"}
ANY_BYTES = {"type": "string", "format": "binary"}

PATH = {"type": "string", "minLength": 1, "pattern": "^[^/]"}
"""The rest of an address, which may have '/' in it but does not begin with one."""

Token = Literal["user", "job"]
Schema = Mapping[str, Any]
Content = type[BaseModel] | Schema
"""What a body is: a model, or a JSON schema where there is no object of named fields. `listed` makes lists."""


@dataclass(frozen=True)
class Listed:
    """A JSON list of objects of one model."""

    of: type[BaseModel]
    at_most: int | None = None


@dataclass(frozen=True)
class Reply:
    """An answer with one status: its content by media type (none: the body is empty) and the headers worth naming."""

    says: str
    content: Mapping[str, Content | Listed] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Parameter:
    """A parameter in the query, the path or the headers; `schema` is what is accepted of its text."""

    name: str
    says: str
    schema: Schema
    place: Literal["query", "path", "header"] = "query"
    required: bool = False
    example: Any = None


@dataclass(frozen=True)
class Body:
    """What a request carries, by media type."""

    content: Mapping[str, Content | Listed]
    says: str = ""
    required: bool = True


@dataclass(frozen=True)
class Operation:
    """One method at one address; `path` is below the API's prefix, with `{name}` for its parameters.

    `tokens` are the kinds that it takes; none means that it needs no token.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    tag: str
    summary: str
    replies: Mapping[int, Reply]
    says: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    tokens: tuple[Token, ...] = ("user",)

    @property
    def name(self) -> str:
        """A name for programs that generate code: `get_jobs_id`."""
        words = self.path.replace("{", "").replace("}", "").replace(".", "_").strip("/").split("/")
        return "_".join([self.method.lower(), *words])

    def answers(self) -> dict[int, Reply]:
        """All answers there are, those that every operation with a token has among them, by status."""
        common = {401: UNAUTHENTICATED, 429: TOO_MANY, 503: UNAVAILABLE} if self.tokens else {}
        if any(parameter.place == "query" for parameter in self.parameters):
            common[414] = TOO_LONG
        return dict(sorted({**common, **self.replies}.items()))


def reply(says: str, model: type[BaseModel]) -> Reply:
    """An answer with a JSON object."""
    return Reply(says, {JSON: model})


def refusals(**sentences: str) -> dict[int, Reply]:
    """Error answers by status: `refusals(_400="…")` says when each comes."""
    return {int(status.removeprefix("_")): reply(says, Error) for status, says in sentences.items()}


DONE = reply("Done.", Empty)
JOBS = Reply("The jobs.", {JSON: Listed(ShownJob)})
UNAUTHENTICATED = Reply(
    "The token is missing, expired or not valid here, or the caller lacks a required entitlement.",
    {JSON: Error},
    {"WWW-Authenticate": "How to authenticate."},
)
_RETRY = {"Retry-After": "Seconds after which to try again."}
UNAVAILABLE = Reply("Something behind the API is down: try again after a while.", {JSON: Error}, _RETRY)
TOO_MANY = Reply("You make more requests than the service allows one user.", {JSON: Error}, _RETRY)
TOO_LONG = Reply(
    "The address is longer than the server reads; it says so before the API sees it.", {"text/html": ANY_TEXT}
)
NO_PATH = refusals(
    _404="There is no such address: what should follow is empty.", _405="What follows begins with '/': leave that out."
)
NOT_A_NUMBER = refusals(_404="There is no such address: the id is not a number.")


def job_id(name: str = "id") -> Parameter:
    """The id of a job in the path."""
    return Parameter(name, "Id of the job.", {"type": "integer", "minimum": 0}, "path", True, 42)


def switch(name: str, says: str) -> Parameter:
    """A parameter that is on when it is there."""
    return Parameter(name, f"{says} On when it is there, whatever its value.", {"type": "string"})


def flag(name: str, says: str) -> Parameter:
    """A parameter that is on with `true`, `1` or nothing after its name, and off with anything else."""
    return Parameter(name, f"{says} On with `true`, `1` or no value, off with anything else.", {"type": "string"})
