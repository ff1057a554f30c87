"""The service's log."""

from __future__ import annotations

import io
import json
import logging

import pytest

from api.logs import JsonLines, request_id


@pytest.fixture
def lines() -> tuple[logging.Logger, io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.Logger("test")
    logger.addHandler(handler)
    return logger, stream


def test_a_record_is_one_line_whatever_it_says(lines: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = lines
    request_id.set("r1")
    logger.warning("a %s\nwith lines", "message", extra={"fields": {"status": 503, "user": 'Ä"\n'}})
    try:
        raise ValueError("inner\ntext")
    except ValueError:
        logger.exception("failed")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["message"], first["level"], first["request"]) == ("a message\nwith lines", "warning", "r1")
    assert (first["status"], first["user"]) == (503, 'Ä"\n')
    assert "ValueError: inner" in second["trace"]
