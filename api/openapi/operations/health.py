"""`/health`, and the documentation itself: what needs no token."""

from api.documents.answers import Unhealthy
from api.openapi.operation import JSON, Operation, Reply, reply

TAG = "Service"

OPERATIONS = (
    Operation(
        "GET",
        "/health",
        TAG,
        "Ask how the service is",
        {204: Reply("All is well."), 409: reply("The service cannot do its work.", Unhealthy)},
        tokens=(),
    ),
    Operation(
        "GET",
        "/openapi.json",
        TAG,
        "This description for programs",
        {200: Reply("An OpenAPI 3.1 document.", {JSON: {"type": "object", "required": ["openapi", "info", "paths"]}})},
        tokens=(),
    ),
    Operation(
        "GET",
        "/docs",
        TAG,
        "This description for people",
        {200: Reply("A web page.", {"text/html": {"type": "string"}})},
        tokens=(),
    ),
)
