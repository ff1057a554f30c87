"""What the tests of the description share: the application of a one-machine instance, without its pool."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.settings import load
from deploy import service
from deploy.home import Home, Settings
from pool.session import Pool


@dataclasses.dataclass(frozen=True)
class Server:
    """The application, and tokens of its users."""

    app: Flask
    token: Callable[[str], str]

    def client(self) -> FlaskClient:
        return self.app.test_client()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    home = Home(tmp_path_factory.mktemp("home"))
    home.make()
    settings = Settings(home.path, home.path)
    service.prepare(settings, home)
    service.migrate(home)
    # The key that signs workers' tokens is the pool's, which is not there.
    loaded = load(home.service_settings).model_copy(update={"worker_tokens": None})
    app = create_app(loaded, Pool(f"nobody-{time.time_ns()}@"))
    return Server(app, lambda user: service.mint(settings, home, user, [], [], 600))
