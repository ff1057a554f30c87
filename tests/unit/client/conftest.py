"""A scripted server, and a shell that runs the command in this process against it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from prominence.cli import main
from prominence.console import Console

from tests.unit.client.scripted_server import ScriptedServer, Time, running


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with running() as scripted:
        yield scripted


@dataclass
class Result:
    """What one command left behind."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        return self.stdout.decode()

    @property
    def err(self) -> str:
        return self.stderr.decode()


class Shell:
    """Runs commands with the given environment, as the user of the token `t0ken`."""

    def __init__(self, url: str) -> None:
        self.environ = {"PROMINENCE_URL": url, "PROMINENCE_TOKEN": "t0ken"}
        self.time = Time()

    def __call__(self, *argv: str, stdin: bytes = b"") -> Result:
        out, err = io.BytesIO(), io.BytesIO()
        console = Console(
            environ=self.environ,
            stdin=io.TextIOWrapper(io.BytesIO(stdin)),
            stdout=io.TextIOWrapper(out, encoding="utf-8"),
            stderr=io.TextIOWrapper(err, encoding="utf-8"),
            clock=self.time.clock,
            monotonic=self.time.clock,
            sleep=self.time.sleep,
        )
        code = main(argv, console)
        return Result(code, out.getvalue(), err.getvalue())


@pytest.fixture
def shell(server: ScriptedServer) -> Shell:
    return Shell(server.url)
