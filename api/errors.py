"""What the API refuses, and how each refusal looks over HTTP.

Every error answers `{"error": "<a sentence that says what to do>", "code": "<for programs>"}`, with `field` where one part
of the request is at fault. A stack trace never leaves the process.
"""

from __future__ import annotations

import logging

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from api import metrics
from api.documents.errors import InvalidDocument
from api.records.errors import LimitReached
from database.errors import DatabaseError, DatabaseRefused, DatabaseUnavailable, WrongRevision
from identity.errors import IssuerUnreachable, NotAuthenticated, NotEntitled
from pool.errors import PoolError, PoolUnavailable

RETRY_AFTER = 5
"""Seconds after which a client may try again when something behind the API is down."""

_DATABASE: dict[type[DatabaseError], tuple[int, str]] = {
    DatabaseUnavailable: (503, "recordsUnavailable"),
    WrongRevision: (503, "recordsOutdated"),
    DatabaseRefused: (500, "recordRefused"),
}
"""Status and code of what the database may answer instead of an answer."""

_log = logging.getLogger(__name__)


class ApiError(Exception):
    """Base of the API's own refusals: an HTTP status, a code for programs and a sentence for people."""

    status = 400
    code = "badRequest"
    retry_after: int | None = None
    """Seconds after which the same request may succeed, where waiting helps."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidParameter(ApiError):
    """A parameter or header of the request cannot be used."""

    code = "invalidParameter"


class NotAvailable(ApiError):
    """A valid document asks for something that this server does not offer."""

    code = "notAvailable"


class NoSuchJob(ApiError):
    """No job with that id; the contract answers 400."""

    code = "noSuchJob"

    def __init__(self, job: int) -> None:
        super().__init__(f"There is no job {job} in the queue: see the list of your jobs.")


class NoSuchStream(ApiError):
    """The job has no such output, or none yet."""

    code = "noSuchStream"


class NotYours(ApiError):
    """The job belongs to somebody else."""

    status = 403
    code = "notYours"

    def __init__(self, job: int) -> None:
        super().__init__(f"Job {job} is not yours.")


class TooManyRequests(ApiError):
    """The caller makes more requests than the service allows one user."""

    status = 429
    code = "tooManyRequests"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"You make too many requests: wait {seconds} s, and fetch lists instead of single jobs.")
        self.retry_after = seconds


class TooManyJobs(ApiError):
    """The caller has as many jobs in the queue as the service allows one user."""

    status = 429
    code = "tooManyJobs"
    retry_after = 60

    def __init__(self, most: int) -> None:
        super().__init__(f"You have {most} jobs in the queue, which is as many as one user may: wait for some to end.")


class StorageFailed(ApiError):
    """The server cannot store what the job needs: its disk is full, say."""

    status = 503
    code = "storageFailed"

    def __init__(self) -> None:
        super().__init__("The server cannot store the job's files at the moment: try again later.")


def answer(status: int, message: str, code: str, field: str = "", retry_after: int | None = None) -> Response:
    """An error answer; one with status 503 always says when to try again."""
    metrics.REFUSALS.labels(code).inc()
    body = {"error": message, "code": code}
    if field:
        body["field"] = field
    response = jsonify(body)
    response.status_code = status
    if status == 503 and retry_after is None:
        retry_after = RETRY_AFTER
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def register(app: Flask) -> None:
    """Makes `app` answer each exception class in its one way."""
    _register_refusals(app)
    _register_outages(app)
    _register_http(app)


def _register_refusals(app: Flask) -> None:
    """What the caller can mend."""

    @app.errorhandler(ApiError)
    def _refused(error: ApiError) -> Response:
        return answer(error.status, error.message, error.code, error.field, error.retry_after)

    @app.errorhandler(InvalidDocument)
    def _invalid(error: InvalidDocument) -> Response:
        return answer(400, error.message, "invalidDocument", error.field)

    @app.errorhandler(LimitReached)
    def _limited(error: LimitReached) -> Response:
        return answer(400, str(error), "limitReached")

    @app.errorhandler(NotAuthenticated)
    def _unauthenticated(error: NotAuthenticated) -> Response:
        return answer(401, error.message, error.reason.value)

    @app.errorhandler(NotEntitled)
    def _unentitled(error: NotEntitled) -> Response:
        return answer(401, error.message, "notEntitled")


def _register_outages(app: Flask) -> None:
    """What is down behind the API."""

    @app.errorhandler(IssuerUnreachable)
    def _issuer_down(error: IssuerUnreachable) -> Response:
        _log.warning("issuer %s cannot be reached: %s", error.issuer, error.why)
        return answer(503, error.message, "issuerUnreachable")

    @app.errorhandler(PoolError)
    def _pool(error: PoolError) -> Response:
        _log.warning("%s: %s", type(error).__name__, error.detail)
        metrics.POOL_ERRORS.labels(type(error).__name__).inc()
        code = "queueUnavailable" if isinstance(error, PoolUnavailable) else "queueRefused"
        return answer(503, str(error), code)

    @app.errorhandler(DatabaseError)
    def _database(error: DatabaseError) -> Response:
        _log.warning("%s: %s", type(error).__name__, error.detail or error)
        metrics.RECORDS_ERRORS.labels(type(error).__name__).inc()
        status, code = _DATABASE.get(type(error), (500, "internal"))
        return answer(status, str(error), code)


def _register_http(app: Flask) -> None:
    """What Flask itself raises, and what nobody thought of."""

    @app.errorhandler(RequestEntityTooLarge)
    def _too_large(_: RequestEntityTooLarge) -> Response:
        limit = (app.config["MAX_CONTENT_LENGTH"] or 0) // 2**20
        return answer(
            400, f"The document is larger than {limit} MB: put large files where jobs can fetch them.", "tooLarge"
        )

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        sentence = {
            404: "There is no such address here: see the documentation of the API.",
            405: "This address does not take that method: see the documentation of the API.",
        }.get(error.code or 500, error.description or "The request cannot be served.")
        response = answer(
            error.code or 500, sentence, error.name.replace(" ", "")[:1].lower() + error.name.replace(" ", "")[1:]
        )
        for name, value in error.get_headers():
            if name.lower() == "allow":
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def _unexpected(error: Exception) -> Response:
        _log.exception("a request failed", exc_info=error)
        return answer(500, "Something went wrong in the service; its operators can see it in their log.", "internal")
