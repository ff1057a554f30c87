"""From the bytes of a request to a document: the one door through which jobs come in."""

from pydantic import ValidationError

from api.documents.errors import InvalidDocument
from api.documents.job import Job
from api.documents.sentences import first_problem
from api.documents.strict_json import load
from api.documents.wording import kind

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
"""Bytes of one document, its inputs included."""


def parse_job(body: bytes) -> Job:
    """The job that the body of a request describes.

    Raises InvalidDocument with the first rule that the body breaks: those of JSON before those of the
    contract, unknown fields before wrong ones, and these in the order of the fields. The same body always
    gives the same answer.
    """
    if len(body) > MAX_DOCUMENT_BYTES:
        raise InvalidDocument(
            "", f"the body must have at most {MAX_DOCUMENT_BYTES} bytes: upload large files and use artifacts"
        )
    tree = load(body)
    if not isinstance(tree, dict):
        raise InvalidDocument("", f"the body must be a JSON object that describes a job, not {kind(tree)}")
    try:
        return Job.model_validate(tree)
    except ValidationError as error:
        raise first_problem(error, Job) from None  # pydantic's text repeats the input, secrets included
