"""Whether a job that is told to stop will run again, and whether one that begins was deleted before.

HTCondor sends a job the same signal when it is moved and when it is deleted.

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

    def answer(proxy: Proxy) -> bool:
        return not _is_there(proxy, DELETED_FILE) and proxy.attribute("HoldReasonCode") not in _ENDED

    return _asked(scratch, answer, True, log, connect)


def is_deleted(scratch: Path, log: Callable[[str], None], connect: Callable[[str], Proxy] = Proxy) -> bool:
    """Whether the user of the job with this scratch directory has deleted it."""
    return _asked(scratch, lambda proxy: _is_there(proxy, DELETED_FILE), False, log, connect)


def _asked(
    scratch: Path,
    answer: Callable[[Proxy], bool],
    otherwise: bool,
    log: Callable[[str], None],
    connect: Callable[[str], Proxy],
) -> bool:
    """What the access point answers about the job, ``otherwise`` where it does not."""
    config = scratch / CONFIG_FILE
    try:
        proxy = connect(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        log(f"what is to become of the job cannot be asked: {error}")
        return otherwise
    try:
        return answer(proxy)
    except (OSError, ValueError) as error:
        log(f"what is to become of the job cannot be learned: {error}")
        return otherwise
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
