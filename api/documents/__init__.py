"""The documents of version 1 of the API: what a request body may say, checked once, then typed."""

from api.documents.errors import DocumentError, InvalidDocument
from api.documents.job import Job
from api.documents.parse import MAX_DOCUMENT_BYTES, parse_job
from api.documents.redact import as_submitted, redacted

__all__ = [
    "MAX_DOCUMENT_BYTES",
    "DocumentError",
    "InvalidDocument",
    "Job",
    "as_submitted",
    "parse_job",
    "redacted",
]
