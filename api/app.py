"""The application: settings, pool and identity put together. Nothing here is global; a process may hold several."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from flask import Flask, request

from api import errors
from api.jobs import commands, follow
from api.jobs.events import Events
from api.jobs.index import Index
from api.jobs.lookup import Lookup
from api.jobs.once import Once
from api.jobs.queue_limit import QueueLimit
from api.jobs.service import Jobs
from api.jobs.watch import JobWatch
from api.notifications.addresses import Addresses
from api.notifications.asking import Notices
from api.notifications.readings import readings as mail_readings
from api.objects.local import LocalStore
from api.objects.opening import open_store
from api.objects.quota import Quota
from api.objects.service import Data
from api.objects.settings import LocalStorage
from api.observed import count, observe
from api.openapi.addresses import served
from api.openapi.document import PREFIX, document
from api.openapi.operations import OPERATIONS
from api.rate_limit import RateLimit
from api.records.pairs import PairLimits
from api.records.readings import readings as record_readings
from api.records.settings import load as load_records
from api.records.stores import Stores, open_stores
from api.routes import (
    accounting,
    checkpoint,
    data,
    documentation,
    graphs,
    health,
    job_actions,
    jobs,
    kv,
    metrics,
    objects,
    output,
    resources,
    series,
    workflows,
)
from api.settings import Settings
from api.workflows.artifacts import Artifacts
from api.workflows.graph.service import Graphs
from api.workflows.instances import Instances
from api.workflows.members import Members
from api.workflows.plan import job_name, workflow_name
from api.workflows.service import Workflows
from identity.caller import Caller, Kind
from identity.gate import Gate
from identity.issuers import Issuer
from identity.job_tokens import JobTokens
from identity.private_files import read_private
from identity.tokens import Authenticator
from pool.attributes import Job
from pool.dagman import AccessPoint
from pool.session import Pool
from pool.worker_tokens import WorkerTokens

CallerOf = Callable[..., Caller]
"""Who sends the request, of one of the kinds that are given (a user where none is); raises what `Gate.caller` raises."""


def create_app(settings: Settings, pool: Pool) -> Flask:
    """The WSGI application for these settings, over this pool."""
    app = Flask("prominence", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.converters["name"] = workflows.NameConverter
    observe(app)
    errors.register(app)

    tokens = JobTokens.from_file(settings.job_token_secret)
    caller = _callers(settings, tokens)
    instances = Instances(settings.sandboxes)
    kept = _data(app, settings, instances, caller)
    stores = open_stores(load_records(settings.records), PairLimits(keys=settings.limits.keys))
    lookup = Lookup(pool, stores.history, settings.sandboxes, Index.below(settings.run), instances)
    service = Jobs(
        pool=pool,
        lookup=lookup,
        commands=stores.commands,
        tokens=tokens,
        once=Once(pool, stores.history, settings.sandboxes, "job", job_name),
        worker_program=settings.worker_program,
        url=str(settings.url),
        primary_issuer=settings.issuers[0].issuer,
        limit=QueueLimit(settings.limits.queued_jobs, pool.jobs_of),
        uploads=kept,
        notices=Notices(Addresses(settings.sandboxes), stores.sends),
    )
    _jobs(app, settings, service, kept, caller)
    _records(app, stores, lookup, caller)
    _around(app, settings, service, stores, caller)
    return app


def _callers(settings: Settings, tokens: JobTokens) -> CallerOf:
    issuers = [Issuer(**issuer.model_dump()) for issuer in settings.issuers]
    gate = Gate(Authenticator(issuers, settings.vos), tokens)
    limits = settings.limits
    limit = None
    if limits.requests_per_minute:
        limit = RateLimit(settings.run / "requests", limits.requests_per_minute, limits.request_burst)

    def caller(*accept: Kind) -> Caller:
        found = gate.caller(request.headers.get("Authorization"), accept or ("user",))
        count(found, limit)
        return found

    return caller


def _data(app: Flask, settings: Settings, instances: Instances, caller: CallerOf) -> Data | None:
    """The addresses of data, where there is object storage."""
    storage = settings.storage
    if storage is None:
        return None
    store = open_store(storage, str(settings.url))
    quota = Quota(store, limit=storage.bytes_per_owner, objects=storage.objects_per_owner)
    kept = Data(store, quota, settings.issuers[0].issuer, storage.largest_object, storage.upload_lifetime)
    job = partial(caller, "job")
    routes = data.blueprint(kept, Artifacts(kept, instances), caller, job)
    app.register_blueprint(routes, url_prefix=f"{PREFIX}/data")
    app.register_blueprint(checkpoint.blueprint(kept, job), url_prefix=f"{PREFIX}/checkpoint")
    if isinstance(storage, LocalStorage) and isinstance(store, LocalStore):
        served_here = objects.blueprint(
            store,
            quota,
            largest=storage.largest_object,
            transfers=storage.transfers,
            longest_upload=storage.longest_upload,
        )
        app.register_blueprint(served_here, url_prefix=f"{PREFIX}/objects")
    return kept


def _jobs(app: Flask, settings: Settings, service: Jobs, kept: Data | None, caller: CallerOf) -> None:
    """The addresses of jobs."""
    lookup, limits = service.lookup, settings.limits

    def statuses(numbers: Sequence[int]) -> dict[int, int]:
        found = ((number, lookup.find(number)) for number in numbers)
        return {number: int(job[0]["JobStatus"]) for number, job in found if job is not None}

    watch = JobWatch(statuses)
    asked = commands.Limits(
        limits.command_seconds, limits.longest_command, limits.snapshot_seconds, limits.commands_at_once
    )
    running = commands.Commands(lookup, watch, service.commands, kept, asked)
    following = follow.Following(watch, follow.Limits(limits.follow_seconds, limits.followers))
    written = output.Output(lookup, following)
    for blueprint in (
        jobs.blueprint(service, Members(lookup), caller),
        job_actions.blueprint(running, Events(lookup, service.pool), caller),
        output.blueprint(written, caller),
    ):
        app.register_blueprint(blueprint, url_prefix=f"{PREFIX}/jobs")
    family = _workflows(settings, service)
    drawn = Graphs(family.planned, settings.sandboxes)
    for blueprint in (workflows.blueprint(family, written, caller), graphs.blueprint(drawn, caller)):
        app.register_blueprint(blueprint, url_prefix=f"{PREFIX}/workflows")


def _workflows(settings: Settings, service: Jobs) -> Workflows:
    chosen = settings.workflows
    once = Once(service.pool, service.lookup.history, settings.sandboxes, "workflow", workflow_name)
    at = AccessPoint(chosen.dagman, chosen.configuration)
    return Workflows(service, once, at, chosen.idle_jobs, chosen.instances)


def _records(app: Flask, stores: Stores, lookup: Lookup, caller: CallerOf) -> None:
    """The addresses of what is in the database."""

    def submission_of(number: int, asking: Caller) -> str:
        return str(lookup.found(number, asking)[0][Job.SUBMISSION])

    either = partial(caller, "user", "job")
    app.register_blueprint(kv.blueprint(stores.pairs, either), url_prefix=f"{PREFIX}/kv")
    points = series.blueprint(stores.series, either, partial(caller, "job"), submission_of)
    app.register_blueprint(points, url_prefix=f"{PREFIX}/ts")
    app.register_blueprint(accounting.blueprint(stores.usage, caller), url_prefix=f"{PREFIX}/accounting")


def _around(app: Flask, settings: Settings, service: Jobs, stores: Stores, caller: CallerOf) -> None:
    """The addresses around jobs: workers, health, metrics, the description of all addresses."""
    given = settings.worker_tokens
    minting = (
        WorkerTokens(read_private(given.signing_key, "worker_tokens.signing_key"), given.domain) if given else None
    )
    lifetime = given.lifetime if given else 0
    workers = resources.blueprint(service.pool, minting, lifetime, service.owner, caller)
    app.register_blueprint(workers, url_prefix=PREFIX)
    app.register_blueprint(health.blueprint(service.pool), url_prefix=f"{PREFIX}/health")
    if settings.metrics_token is not None:
        token = read_private(settings.metrics_token, "metrics_token").decode().strip()
        told = record_readings(stores.departed, time.time) + mail_readings(stores.outbox, time.time)
        app.register_blueprint(metrics.blueprint(token, told))

    def described() -> dict[str, object]:
        return document(served(OPERATIONS, app.url_map, PREFIX), str(settings.url))

    app.register_blueprint(documentation.blueprint(described), url_prefix=PREFIX)
    app.register_blueprint(documentation.blueprint(described), name="documentation_at_root")
