"""Packaging of the service. Metadata lives in pyproject.toml, the version in versions.toml."""

import tomllib
from pathlib import Path

from setuptools import setup

versions = tomllib.loads((Path(__file__).parent / "versions.toml").read_text())
setup(version=versions["product"]["version"])
