"""The application: settings, pool and identity put together. Nothing here is global; a process may hold several."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Flask, request

from api import errors
from api.jobs.queue_limit import QueueLimit
from api.jobs.service import Jobs
from api.objects.local import LocalStore
from api.objects.opening import open_local, open_s3
from api.objects.quota import Quota
from api.objects.service import Data
from api.objects.settings import LocalStorage
from api.observed import count, observe
from api.rate_limit import RateLimit
from api.routes import data, health, jobs, metrics, objects, resources
from api.settings import Settings
from identity.caller import Caller, Kind
from identity.gate import Gate
from identity.issuers import Issuer
from identity.job_tokens import JobTokens
from identity.private_files import read_private
from identity.tokens import Authenticator
from pool.session import Pool
from pool.worker_tokens import WorkerTokens

PREFIX = "/prominence/v1"


def create_app(settings: Settings, pool: Pool) -> Flask:
    """The WSGI application for these settings, over this pool."""
    tokens = JobTokens.from_file(settings.job_token_secret)
    issuers = [Issuer(**issuer.model_dump()) for issuer in settings.issuers]
    gate = Gate(Authenticator(issuers, settings.vos), tokens)
    limit = _rate_limit(settings)
    service = Jobs(
        pool=pool,
        tokens=tokens,
        sandboxes=settings.sandboxes,
        worker_program=settings.worker_program,
        url=str(settings.url),
        primary_issuer=issuers[0].issuer,
        limit=QueueLimit(settings.limits.queued_jobs, pool.jobs_of),
    )

    def caller(*accept: Kind) -> Caller:
        found = gate.caller(request.headers.get("Authorization"), accept or ("user",))
        count(found, limit)
        return found

    app = Flask("prominence", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    app.json.sort_keys = False  # type: ignore[attr-defined]
    observe(app)
    errors.register(app)
    app.register_blueprint(jobs.blueprint(service, caller), url_prefix=f"{PREFIX}/jobs")
    app.register_blueprint(health.blueprint(pool), url_prefix=f"{PREFIX}/health")
    _data(app, settings, service.primary_issuer, caller)
    worker_tokens = _worker_tokens(settings)
    app.register_blueprint(resources.blueprint(pool, *worker_tokens, service.owner, caller), url_prefix=PREFIX)
    if settings.metrics_token is not None:
        token = read_private(settings.metrics_token, "metrics_token").decode().strip()
        app.register_blueprint(metrics.blueprint(token, []))
    return app


def _rate_limit(settings: Settings) -> RateLimit | None:
    limits = settings.limits
    if not limits.requests_per_minute:
        return None
    return RateLimit(settings.run / "requests", limits.requests_per_minute, limits.request_burst)


def _worker_tokens(settings: Settings) -> tuple[WorkerTokens | None, int]:
    given = settings.worker_tokens
    return (WorkerTokens.from_file(given.signing_key, given.domain), given.lifetime) if given else (None, 0)


def _data(app: Flask, settings: Settings, primary_issuer: str, caller: Callable[..., Caller]) -> None:
    """The addresses of data, where there is object storage."""
    storage = settings.storage
    if storage is None:
        return
    address = f"{str(settings.url).rstrip('/')}/objects"
    store = open_local(storage, address) if isinstance(storage, LocalStorage) else open_s3(storage)
    quota = Quota(store, limit=storage.bytes_per_owner, objects=storage.objects_per_owner)
    kept = Data(store, quota, primary_issuer, storage.largest_object, storage.upload_lifetime)
    app.register_blueprint(data.blueprint(kept, caller, partial(caller, "job")), url_prefix=f"{PREFIX}/data")
    if isinstance(storage, LocalStorage) and isinstance(store, LocalStore):
        served = objects.blueprint(
            store,
            quota,
            largest=storage.largest_object,
            transfers=storage.transfers,
            longest_upload=storage.longest_upload,
        )
        app.register_blueprint(served, url_prefix=f"{PREFIX}/objects")
