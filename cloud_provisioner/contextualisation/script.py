"""The script itself: a template, in which every value is quoted for the shell."""

from __future__ import annotations

import shlex
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cloud_provisioner.contextualisation.facts import WorkerFacts
from cloud_provisioner.contextualisation.payload import payload
from deploy import packages

_TEMPLATES = Path(__file__).parents[2] / "templates" / "worker"
# A shell script: nothing of it is HTML.
_ENVIRONMENT = Environment(  # noqa: S701
    loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True
)
_ENVIRONMENT.filters["quoted"] = shlex.quote


def render(facts: WorkerFacts) -> str:
    """The user data of a server that is to become this worker: it holds the token, so it is not to be logged."""
    return _ENVIRONMENT.get_template("user-data.sh.j2").render(
        name=facts.name,
        packages=" ".join(packages.PACKAGES),
        pins=packages.pins(),
        udocker=packages.udocker(),
        install_udocker=packages.INSTALL_UDOCKER,
        payload=payload(facts),
    )
