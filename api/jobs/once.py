"""Submissions that happen once: with an idempotency key, however often the client asks and whenever this process dies.

The folder comes first, then the queue, then the id in the folder. With a key the folder's name follows from the key, so a
retry finds what the first try left.
"""

from __future__ import annotations

import errno
import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from api.errors import ApiError, InvalidParameter, StorageFailed
from api.jobs.sandbox import Sandbox
from api.records.history import History
from database.errors import DatabaseUnavailable
from identity.caller import Caller
from pool.errors import OutcomeUnknown, PoolError
from pool.session import Pool


def _new_name() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Once:
    """Submissions into folders below `sandboxes`; `named` makes of 32 hexadecimal digits the name of one."""

    pool: Pool
    history: History
    sandboxes: Path
    kind: str
    """What is submitted: a key of one kind has nothing to do with the same key of another."""
    named: Callable[[str], str]
    new_name: Callable[[], str] = _new_name

    def submit(self, document: object, caller: Caller, key: str | None, submit: Callable[[Sandbox], int]) -> int:
        """The id that `submit` gives, or gave when the caller sent the same `document` under the same `key`.

        Raises InvalidParameter where it was another document, StorageFailed, and what `submit` raises.
        """
        with disk_errors():
            if key is None:
                return submit(self._sandbox(self.new_name()))
            return self._once(document, caller, key, submit)

    def _once(self, document: object, caller: Caller, key: str, submit: Callable[[Sandbox], int]) -> int:
        scope = "\0".join((self.kind, caller.issuer, caller.subject, key))
        sandbox = self._sandbox(hashlib.sha256(scope.encode()).hexdigest()[:32])
        fingerprint = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        with sandbox.locked():
            earlier = sandbox.request()
            if earlier is not None and earlier != fingerprint:
                raise InvalidParameter(
                    "This Idempotency-Key was sent with another document: use a new key.", "Idempotency-Key"
                )
            known = sandbox.job_id()
            if known is None:
                known = self._earlier(sandbox.name, begun=earlier is not None)
            if known is None:
                sandbox.remember_request(fingerprint)
                known = submit(sandbox)
            sandbox.remember_id(known)
            return known

    def _earlier(self, name: str, begun: bool) -> int | None:
        """The id of an earlier submission of that name, of which the folder says only whether it was `begun`."""
        if begun:
            return self.pool.find_submission(name) or self.history.id_of(name)
        # The folder of a job that ended long ago is swept: then the database alone remembers its key.
        with suppress(DatabaseUnavailable):
            return self.history.id_of(name)
        return None

    def _sandbox(self, name: str) -> Sandbox:
        return Sandbox(self.sandboxes / self.named(name))


@contextmanager
def left_clean(sandbox: Sandbox, discard: Callable[[], None]) -> Iterator[None]:
    """Around the making of a submission: what is surely not in the queue leaves nothing behind.

    Where that cannot be told the folder stays: a retry with the same key asks the queue. Without a key nobody can ask again,
    and a job that is in the queue after all cannot start without its files.
    """
    try:
        yield
    except OutcomeUnknown:
        if sandbox.request() is None:
            discard()
        raise
    except (ApiError, PoolError, OSError):
        discard()
        raise


@contextmanager
def disk_errors() -> Iterator[None]:
    """Makes StorageFailed of what the disk of the server says when it cannot take more."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
            raise StorageFailed from error
        raise
