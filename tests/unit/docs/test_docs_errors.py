"""Every error class, every code of an answer, every reason and every exit code is documented, and nothing else."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from flask import Flask, request
from prominence.cli import BROKEN_PIPE, EXIT_CODES, INTERRUPTED

from api import errors
from api.documents.errors import InvalidDocument
from api.records.errors import LimitReached
from database.errors import DatabaseError
from identity.errors import IdentityError, NotAuthenticated, Reason
from pool.errors import PoolError
from tests.unit.docs.reference import code, compare, modules, names, rows, sources
from worker.errors import WorkerError
from worker.exitcodes import ExitCode

FILE = "errors.md"
PACKAGES = ("api", "cloud_provisioner", "database", "deploy", "identity", "pool", "prominence", "worker")
ANSWERED = ("api", "database", "identity", "pool")
"""Those whose errors become answers of the API."""


def classes(package: str) -> list[type[BaseException]]:
    """The exceptions that a package defines."""
    found = {
        value
        for module in modules(package)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseException) and value.__module__ == module.__name__
        if not value.__name__.startswith("_")
    }
    return sorted(found, key=lambda one: one.__name__)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_error_class_is_documented(package: str) -> None:
    heading = f"Classes of {package}"
    compare(f"{FILE}, {heading}", names(FILE, heading), [one.__name__ for one in classes(package)])


def _value(annotation: object) -> object:
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return _value(get_args(annotation)[0])
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return ["x"]
    values: dict[object, object] = {str: "x", int: 1, float: 1.0, bool: True, Exception: ValueError("x")}
    if annotation in values:
        return values[annotation]
    raise AssertionError(f"tell {__file__} how to make a {annotation}")


def instances(kind: type[Exception]) -> Iterator[Exception]:
    """Errors of a class, as the code raises them, with made-up fields; none of a class that is given its code."""
    if kind is NotAuthenticated:
        yield from (NotAuthenticated(reason) for reason in Reason)
        return
    hints = get_type_hints(kind.__init__)
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    given: dict[str, Any] = {
        one.name: _value(hints[one.name])
        for one in parameters
        if one.default is one.empty and one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    }
    if "code" not in given:
        yield kind(**given)


def _below(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _below(child)


def answered() -> set[tuple[str, int]]:
    """The code and status with which the API answers each error that may reach it, asked of the API itself."""
    for package in ANSWERED:
        list(modules(package))
    bases: tuple[type[Exception], ...] = (
        errors.ApiError,
        InvalidDocument,
        IdentityError,
        PoolError,
        DatabaseError,
        LimitReached,
    )
    raised = [one for base in bases for kind in dict.fromkeys(_below(base)) for one in instances(kind)]
    app = Flask("errors")
    app.config["MAX_CONTENT_LENGTH"] = 8

    @app.get("/<int:number>")
    def fail(number: int) -> str:
        raise raised[number]

    @app.post("/body")
    def body() -> str:
        return str(len(request.get_data()))

    errors.register(app)
    client = app.test_client()
    answers = [client.get(f"/{number}") for number in range(len(raised))]
    answers += [client.get("/nothing/here"), client.delete("/1"), client.post("/body", data=b" " * 9)]
    return {(answer.get_json()["code"], answer.status_code) for answer in answers}


def documented_answers() -> list[str]:
    """Each code with each of its statuses, from the tables in which a code and a status follow the name."""
    return [
        f"{name} {status}"
        for heading in (*(f"Classes of {one}" for one in ANSWERED), "Reasons of the status 401")
        for row in rows(FILE, heading)
        for name in code(row[1])
        for status in row[2].split(" or ")
    ] + [f"{name} {row[1]}" for row in rows(FILE, "Other codes of answers") for name in code(row[0])]


def test_every_code_of_an_answer_is_documented_with_its_status() -> None:
    compare(FILE, set(documented_answers()), {f"{name} {status}" for name, status in answered()})


def _reasons_without_a_class() -> Iterator[str]:
    """The codes that the executor puts into a report without an error: the first words of `Reason(...)`."""
    for file in sources("worker"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(func=ast.Name(id="Reason"), args=[ast.Constant(value=str(word)), *_]):
                    yield word


def test_every_reason_of_the_executor_is_documented_with_its_exit_code() -> None:
    there = {kind.code: str(int(kind.exit_code)) for kind in _below(WorkerError) if issubclass(kind, WorkerError)}
    documented = {name: row[2] for row in rows(FILE, "Classes of worker") for name in code(row[1])}
    others = {name: row[1] for row in rows(FILE, "Other reasons of the executor") for name in code(row[0])}
    compare(
        f"{FILE}, reasons of the executor", list(documented | others), there.keys() | set(_reasons_without_a_class())
    )
    assert {name: documented[name] for name in there} == there


def _refusals() -> Iterator[str]:
    """The codes with which a running job, or the API on its behalf, refuses what it was asked."""
    for file in sources("worker", "api"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name(id="CommandError" | "RequestRefused" | "refusal"),
                    args=[ast.Constant(value=str(word)), *_],
                ):
                    yield word


def test_every_refusal_of_a_running_job_is_documented() -> None:
    heading = "Refusals of a running job"
    compare(f"{FILE}, {heading}", names(FILE, heading), set(_refusals()))


def test_every_exit_code_of_the_executor_is_documented() -> None:
    heading = "Exit codes of the executor"
    compare(f"{FILE}, {heading}", [row[0] for row in rows(FILE, heading)], [str(int(one)) for one in ExitCode])


def test_every_exit_code_of_the_command_is_documented() -> None:
    heading = "Exit codes of prominence"
    there = {0, INTERRUPTED, BROKEN_PIPE} | {number for _, number in EXIT_CODES}
    compare(f"commands.md, {heading}", [row[0] for row in rows("commands.md", heading)], [str(one) for one in there])
