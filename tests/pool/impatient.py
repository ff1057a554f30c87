"""The REST API with jobs that give up on a silent worker soon, so that a test need not wait for it.

A WSGI server loads it as `tests.pool.impatient:application()`, settings and pool as for the API proper.
"""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask

import api.jobs.translate
from api.app import create_app
from api.settings import load
from pool.session import Pool

LEASE = 12
"""Seconds."""


def application() -> Flask:
    """The application for the settings file named in the environment."""
    api.jobs.translate.LEASE = LEASE
    settings = load(Path(os.environ["PROMINENCE_SETTINGS"]))
    return create_app(settings, Pool(settings.schedd))
