"""The application as a WSGI server loads it: `gunicorn "api.wsgi:application()"`, settings in the file PROMINENCE_SETTINGS."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask

from api.app import create_app
from api.logs import to_standard_error
from api.settings import SettingsError, load
from pool.session import Pool


def application() -> Flask:
    """The application for the settings file named in the environment."""
    to_standard_error()
    file = os.environ.get("PROMINENCE_SETTINGS")
    if not file:
        raise SettingsError("PROMINENCE_SETTINGS must name the settings file of the API.")
    settings = load(Path(file))
    return create_app(settings, Pool(settings.schedd))
