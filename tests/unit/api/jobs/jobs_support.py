"""What the tests of `api.jobs` share: a caller, a context, documents, and HTCondor's own reading of a description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import classad2
import htcondor2

from api.documents.job import Job
from api.documents.parse import parse_job
from api.jobs.translate import Context, facts, submit_description
from identity.caller import Caller

ISSUER = "https://aai.example.eu/oidc"
SUBMISSION = "0123456789abcdef0123456789abcdef"

AWKWARD = [
    'a"b',
    "$(DOLLAR) $(executable) $$(Cpus) $ENV(HOME)",
    "back\\slash",
    'back\\"quote',
    "ends with \\",
    '" || true || "',
    '"}) || member("a',
    "ünïcödé ☃ 𝄞",
    "{[ClusterId=1]} = undefined",
    "%24 %",
    "'single' `tick` ;|&<>",
]
"""Texts that mean something to a submit description, a ClassAd, a shell or a URL."""


def job(**more: Any) -> Job:
    """A job as it comes from the body of a request."""
    document = {"resources": {"cpus": 1, "memory": 1}, "tasks": [{"image": "busybox", "cmd": "true"}]}
    return parse_job(json.dumps(document | more).encode())


def context(subject: str = "alice", issuer: str = ISSUER, groups: tuple[str, ...] = ("vo.example.eu",)) -> Context:
    """What a translation needs beside the document, for a caller of the primary issuer."""
    return Context(
        caller=Caller(subject, issuer, subject, groups),
        primary_issuer=ISSUER,
        submission=SUBMISSION,
        sandbox=Path("/srv/sandboxes") / SUBMISSION,
        worker_program=Path("/srv/program/worker.pyz"),
        url="https://prominence.example.eu/prominence/v1",
    )


def described(document: Job, where: Context | None = None) -> dict[str, str]:
    """The submit description of a job."""
    around = where or context()
    return submit_description(document, around, facts(document, around))


def ad_of(description: Mapping[str, str]) -> classad2.ClassAd:
    """Our attributes as HTCondor reads them: macros expanded by its own submit code, values in the old ClassAd syntax."""
    submit = htcondor2.Submit(dict(description))
    names = [name for name in description if name.startswith("My.")]
    lines = "\n".join(f"{name.removeprefix('My.')} = {submit.expand(name)}" for name in names)
    return classad2.parseOne(lines, classad2.ParserType.Old)
