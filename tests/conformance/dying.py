"""Makes or deletes a server of a local site and dies of it, as by kill -9, before a line that is reached: a program.

    dying.py SITE create ORDER NUMBER      SITE and ORDER are JSON
    dying.py SITE delete CLOUD-ID NUMBER

NUMBER counts, from 1, the lines of the driver and of what it starts machines with, each when it is first reached. It prints
"done" where there are fewer.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from cloud_provisioner.drivers.contract import Order
from cloud_provisioner.drivers.local import calls, servers
from cloud_provisioner.drivers.local.schema import LocalSite
from deploy import files, namespaces

_TRACED = {str(module.__file__) for module in (calls, servers, namespaces, files)}
_Tracer = Callable[[FrameType, str, Any], Any]


def _dying_at(number: int) -> _Tracer:
    reached: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, _: Any) -> _Tracer | None:
        if frame.f_code.co_filename not in _TRACED:
            return None
        if event == "line":
            reached.add((frame.f_code.co_filename, frame.f_lineno))
            if len(reached) == number:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace


def main(site: str, what: str, given: str, number: int) -> None:
    """Does it, or dies."""
    account = calls.connect(LocalSite.model_validate(json.loads(site)), "*", None, {}, 20)
    sys.settrace(_dying_at(number))
    if what == "create":
        account.create(Order(**json.loads(given)))
    else:
        account.delete(given)
    sys.settrace(None)
    print("done")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
