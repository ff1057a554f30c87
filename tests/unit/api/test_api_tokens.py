"""Every address with every kind of token: who is let in, and what the others hear."""

from __future__ import annotations

import json
import re
import shutil
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from api.app import create_app
from api.jobs.index import Index
from api.jobs.sandbox import EVENT_LOG
from api.openapi.document import PREFIX
from api.settings import load
from deploy import service
from deploy.files import write_private
from deploy.home import Home, Settings
from identity import embedded
from identity.caller import Caller
from identity.job_tokens import JobTokens
from pool.attributes import Job
from pool.session import Pool
from pool.submission import escaped
from pool.worker_tokens import WorkerTokens

BOBS_JOB = 27361
"""Stands in the event log that is used."""
LOG = Path(__file__).parents[1] / "pool_logs" / "ok.log"
ALICES_JOB = "a" * 32
OPEN = {"GET /health", "GET /openapi.json", "GET /docs", "PUT /objects/{}", "GET /objects/{}", "GET /metrics"}
"""Addresses that take no token of ours: they need none, or a signed link, or the operators' own."""
FOR_JOBS = {"POST /ts", "POST /data/output", "POST /data/artifact", "POST /checkpoint", "GET /checkpoint"}
FOR_BOTH = {"GET /kv", "GET /kv/", "GET /kv/{}", "POST /kv/{}", "DELETE /kv/{}", "GET /ts/{}"}


@dataclass(frozen=True)
class World:
    """An application without a pool, a finished job of bob's, and whatever tokens there are."""

    app: Flask
    tokens: Mapping[str, str | None]

    def answer(self, method: str, path: str, kind: str, **more: Any) -> Any:
        token = self.tokens[kind]
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.app.test_client().open(PREFIX + path, method=method, headers=headers, **more)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    home, settings = Home(tmp_path_factory.mktemp("home")), Settings(Path("/unused"), Path("/unused"), port=9000)
    home.make()
    home.signing_key.parent.mkdir(parents=True)
    write_private(home.signing_key, "a key of a pool that never runs")
    service.prepare(settings, home)
    service.migrate(home)
    app = create_app(load(home.service_settings), Pool(f"nobody-{time.time_ns()}@"))
    issuer, stranger = service.issuer_name(settings), ec.generate_private_key(ec.SECP256R1())
    good = service.mint(settings, home, "alice", [], [], 600)
    header, claims = jwt.get_unverified_header(good), jwt.decode(good, options={"verify_signature": False})
    forged = jwt.encode(claims, stranger, algorithm="ES256", headers={"kid": header["kid"]})
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    other = Home(elsewhere)
    other.make()
    other.signing_key.parent.mkdir(parents=True)
    write_private(other.signing_key, "x")
    service.prepare(settings, other)
    alice = Caller("alice", issuer, "alice", ("users",))
    tokens = {
        "none": None,
        "malformed": "not.a.token",
        "expired": _minted(home, settings, lifetime=60, ago=3600),
        "wrong issuer": service.mint(Settings(home.path, home.path, port=9001), home, "alice", [], [], 600),
        "wrong audience": _minted(home, settings, audience="another"),
        "wrong signature": service.mint(settings, other, "alice", [], [], 600),
        "tampered": good[:-6] + "AAAAAA",
        "strange key": forged,
        "alg none": jwt.encode(claims, key="", algorithm="none"),
        "worker token": WorkerTokens(home.signing_key.read_bytes(), "prominence").mint_for("alice", 600),
        "job token": JobTokens.from_file(home.keys / "job-tokens").mint(alice, job=ALICES_JOB, lifetime=600),
        "right user": good,
    }
    _finished_job_of_bob(home, issuer)
    return World(app, tokens)


def _minted(home: Home, settings: Settings, audience: str = service.AUDIENCE, lifetime: int = 600, ago: int = 0) -> str:
    return embedded.mint(
        home.keys / "issuer",
        issuer=service.issuer_name(settings),
        audience=audience,
        user="alice",
        groups=[],
        entitlements=[],
        lifetime=lifetime,
        now=time.time() - ago,
    )


def _finished_job_of_bob(home: Home, issuer: str) -> None:
    submission = "b" * 32
    document = json.dumps({"tasks": [{"image": "x", "cmd": "BOBS SECRET"}], "resources": {}})
    facts: dict[str, str] = {
        Job.USER: "bob",
        Job.ISSUER: escaped(issuer),
        Job.DOCUMENT: document,
        Job.SUBMISSION: submission,
    }
    Index(home.run / "jobs").note(BOBS_JOB, facts)
    (home.sandboxes / submission).mkdir()
    shutil.copy(LOG, home.sandboxes / submission / EVENT_LOG)
    (home.sandboxes / submission / "stdout").write_text("BOBS SECRET")


def addresses(app: Flask) -> list[str]:
    """Every method and address below the prefix, `{}` for what varies."""
    found = set()
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(PREFIX):
            continue
        for path in _spelled(rule.rule.removeprefix(PREFIX)):
            found |= {f"{method} {path}" for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    return sorted(found)


def _spelled(rule: str) -> list[str]:
    choice = re.search(r"<any\(([^)]*)\):[^>]*>", rule)
    if choice:
        return [path for word in choice[1].split(",") for path in _spelled(rule.replace(choice[0], word.strip()))]
    return [re.sub("<[^>]*>", "{}", rule)]


def test_every_address_lets_in_who_may_and_nobody_else(world: World) -> None:
    wrong = []
    for address in addresses(world.app):
        if address in OPEN:
            continue
        method, path = address.split(" ")
        users = address not in FOR_JOBS
        jobs = address in FOR_JOBS or address in FOR_BOTH
        for kind in world.tokens:
            admitted = {"right user": users, "job token": jobs}.get(kind, False)
            answer = world.answer(method, path.replace("{}", "1"), kind)
            if (answer.status_code != 401) != admitted:
                wrong.append((address, kind, answer.status_code))
            if answer.status_code == 401 and not answer.get_json()["error"].endswith("."):
                wrong.append((address, kind, answer.get_json()))
    assert wrong == []


def test_the_table_names_addresses_that_there_are(world: World) -> None:
    there = {*addresses(world.app), "GET /metrics"}
    assert there >= OPEN | FOR_JOBS | FOR_BOTH
    assert len(there) > 25


ON_A_JOB = [
    ("GET", "", 200),
    ("DELETE", "", 403),
    ("PUT", "/remove", 403),
    ("PUT", "/clone", 403),
    ("GET", "/stdout", 403),
    ("GET", "/stderr", 403),
    ("GET", "/stdout?follow=true", 403),
    ("POST", "/exec?command=true", 403),
    ("PUT", "/snapshot?path=x", 403),
    ("GET", "/snapshot", 403),
    ("GET", "/events", 403),
]


@pytest.mark.parametrize(("method", "path", "status"), ON_A_JOB)
def test_anothers_job_is_refused_and_nothing_of_it_told(world: World, method: str, path: str, status: int) -> None:
    answer = world.answer(method, f"/jobs/{BOBS_JOB}{path}", "right user")
    assert answer.status_code == status, answer.text
    assert "SECRET" not in answer.text
    assert "bob" not in answer.text
    if status == 200:
        assert answer.get_json() == []


def test_anothers_series_and_several_jobs_at_once_are_refused(world: World) -> None:
    assert world.answer("GET", f"/ts/{BOBS_JOB}", "right user").status_code == 403
    assert world.answer("DELETE", f"/jobs?{urllib.parse.urlencode({'id': BOBS_JOB})}", "right user").status_code == 403


def test_refusals_say_how_to_authenticate(world: World) -> None:
    answer = world.answer("GET", "/jobs", "none")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
