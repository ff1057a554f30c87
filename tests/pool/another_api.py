"""A second REST API over the same pool, with settings of its own."""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy import service
from deploy.instance import Instance
from deploy.namespaces import Process


@contextmanager
def another_api(instance: Instance, folder: Path, port: int, change: Callable[[str], str]) -> Iterator[str]:
    """The address of an API on `port` whose settings are those of `instance` after `change`; ended at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "service.toml"
    settings.write_text(change(instance.home.service_settings.read_text()))
    process = Process(folder / "api.pid")
    address = f"{instance.settings.host}:{port}"
    command = [sys.executable, "-m", "gunicorn", "--bind", address, "--worker-class", "gthread", "--threads", "8"]
    command += ["--no-control-socket", "api.wsgi:application()"]
    environment = service.environment(instance.home) | {"PROMINENCE_SETTINGS": str(settings)}
    process.start(command, folder / "api.log", environment)
    try:
        url = f"http://{address}/prominence/v1"
        deadline = time.monotonic() + 30
        while not _answers(url):
            assert process.pid() is not None, (folder / "api.log").read_text()
            assert time.monotonic() < deadline, (folder / "api.log").read_text()
            time.sleep(0.05)
        yield url
    finally:
        process.stop(5)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
