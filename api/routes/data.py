"""`/data`: links to upload to, lists, deletion."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from api.objects.errors import InvalidName
from api.objects.requests import ArtifactRequest, OutputRequest, UploadRequest, parse
from api.objects.service import Data
from api.objects.store import Link
from api.workflows.artifacts import Artifacts
from identity.caller import Caller


def blueprint(data: Data, artifacts: Artifacts, caller: Callable[[], Caller], job: Callable[[], Caller]) -> Blueprint:
    """The routes over `data`, and over the `artifacts` that running jobs fetch from there.

    `caller()` gives the authenticated user of the request, `job()` the running job whose token it carries; both raise
    otherwise.
    """
    routes = Blueprint("data", __name__, url_prefix="/data")

    @routes.post("")
    @routes.post("/upload")
    def upload() -> tuple[Response, int]:
        """Where to put an object: 201 with a URL to PUT it to. 400 names the field, 403 another's group."""
        user = caller()
        return linked(data.upload(parse(request.get_data(), UploadRequest), user))

    @routes.post("/output")
    def output() -> tuple[Response, int]:
        """Where the running job that asks puts an output."""
        submission = _submission(job())
        return linked(data.output_link(submission, parse(request.get_data(), OutputRequest)))

    @routes.post("/artifact")
    def artifact() -> Response:
        """Where the running job that asks gets one of its artifacts. 400 not one of its own, 404 not there."""
        asking = job()
        wanted = parse(request.get_data(), ArtifactRequest)
        return jsonify(artifacts.files(wanted, _submission(asking), asking))

    @routes.get("")
    def own() -> Response:
        """List the caller's own objects."""
        return jsonify(data.entries(caller(), None))

    @routes.get("/<path:path>")
    def below(path: str) -> Response:
        """List the objects of a group, or of a folder in it."""
        user = caller()
        return jsonify(data.entries(user, _decoded(path, "the path")))

    @routes.delete("/<path:name>")
    def delete(name: str) -> Response:
        """Delete an object. 204, also where there is none."""
        user = caller()
        data.delete(_decoded(name, "the name"), user)
        return Response(status=204)

    return routes


def _submission(job: Caller) -> str:
    if job.job is None:
        raise RuntimeError("a caller that is no job came through the gate for jobs")
    return job.job


def linked(link: Link) -> tuple[Response, int]:
    """The answer that has a link to upload to."""
    answer: dict[str, object] = {"url": link.url}
    if link.headers:
        answer["headers"] = dict(link.headers)
    return jsonify(answer), 201


def _decoded(text: str, field: str) -> str:
    """A part of the path; InvalidName where the path was not UTF-8, which has been papered over in it."""
    try:
        str(request.environ["PATH_INFO"]).encode("latin-1").decode()
    except UnicodeDecodeError:
        raise InvalidName(field, "must be UTF-8, percent-encoded") from None
    return text
