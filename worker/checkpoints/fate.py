"""Whether a job that is told to stop will run again: HTCondor sends it the same signal when it is moved and when it is deleted.

The service leaves a file in the job's folder before it deletes the job, and the shadow knows why it holds one. Both are asked
over the I/O proxy. Where nothing can be learned the job counts as one that runs again: the worst is a checkpoint too many.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from worker.chirp import ABSENT, CONFIG_FILE, Proxy, Refused

DELETED_FILE = "deleted"
"""File in the job's folder, left by the service: the job's user has deleted it."""
_ENDED = ("34", "46", "47")
"""HoldReasonCodes of a job that used too much memory, or ran for too long."""


def runs_again(scratch: Path, log: Callable[[str], None], connect: Callable[[str], Proxy] = Proxy) -> bool:
    """Whether the job with this scratch directory may run again."""
    config = scratch / CONFIG_FILE
    try:
        proxy = connect(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        log(f"why the job is to stop cannot be asked: {error}")
        return True
    try:
        return not _is_there(proxy, DELETED_FILE) and proxy.attribute("HoldReasonCode") not in _ENDED
    except (OSError, ValueError) as error:
        log(f"why the job is to stop cannot be learned: {error}")
        return True
    finally:
        proxy.close()


def _is_there(proxy: Proxy, name: str) -> bool:
    try:
        proxy.status(name)
    except Refused as error:
        if error.number == ABSENT:
            return False
        raise
    return True
