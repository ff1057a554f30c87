"""What the tests of object storage share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.objects.local import LocalStore
from api.objects.s3 import connect
from tests.unit.api.objects.serving import Server, gunicorn, make_keys

SECRET = b"s" * 32
URL = "https://api.example/prominence/v1/objects"
ACCESS_KEY, SECRET_KEY, BUCKET = "test:tester", "secret-of-the-tests", "bucket"


class Clock:
    """Time that tests set."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> LocalStore:
    return LocalStore(tmp_path / "root", SECRET, URL, clock=clock)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def local_server(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("local")
    storage = {"kind": "local", "root": str(folder / "root"), "signing_secret": str(keys / "signing-secret")}
    with gunicorn(folder, keys, {**storage, "largest_object": 300_000_000, "transfers": 3}) as server:
        yield server


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real S3 service that checks signatures, with the bucket made."""
    folder = tmp_path_factory.mktemp("swift")
    program = Path(__file__).with_name("swift_server.py")
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(program), str(folder), ACCESS_KEY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{SECRET_KEY}\n")
        process.stdin.close()
        port = process.stdout.readline().strip()
        assert port, "Swift did not start: see its messages above"
        url = f"http://127.0.0.1:{port}"
        connect(url, "us-east-1", ACCESS_KEY, SECRET_KEY).create_bucket(Bucket=BUCKET)
        yield url
    finally:
        process.kill()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def s3_server(swift: str, tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("s3")
    credentials = folder / "credentials"
    credentials.touch(0o600)
    credentials.write_text(f'access_key = "{ACCESS_KEY}"\nsecret_key = "{SECRET_KEY}"\n')
    storage: dict[str, object] = {"kind": "s3", "endpoint": swift, "bucket": BUCKET, "prefix": "prominence/"}
    with gunicorn(folder, keys, {**storage, "credentials": str(credentials)}) as server:
        yield server
