"""A remote file system that a job's containers see as a directory: mounted for the job alone, and gone with it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable, Iterator, Optional

from worker.processes import Eviction
from worker.scratch import Scratch
from worker.storage.documents import Storage

if TYPE_CHECKING:
    from worker.storage.mount import Mount

__all__ = ["Storage", "mounted"]


@contextmanager
def mounted(
    storage: Optional[Storage], scratch: Scratch, eviction: Eviction, log: Callable[[str], None]
) -> Iterator[Optional[Mount]]:
    """The job's storage, mounted within the block; None where it asks for none. Raises StorageError."""
    if storage is None:
        yield None
        return
    from worker.storage import mount  # HTTP takes long to import, and few jobs need it

    with mount.mounted(storage, scratch, eviction, log) as there:
        yield there
