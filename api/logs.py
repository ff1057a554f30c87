"""The service's log: one JSON object a line, on standard error. No headers, bodies or query strings: secrets travel in them."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being served."""


class JsonLines(logging.Formatter):
    """A record as one line of JSON; what is passed as `extra={"fields": {...}}` becomes members of it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (served := request_id.get()) is not None:
            line["request"] = served
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def to_standard_error(level: int = logging.INFO) -> None:
    """Sends the log of this process to standard error, in place of whatever handled it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
