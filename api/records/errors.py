"""What the records can answer instead of an answer."""

from __future__ import annotations


class RecordsError(Exception):
    """Base of everything this package raises; `detail` is for logs, the message for people."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class RecordsUnavailable(RecordsError):
    """The database does not answer, or cannot store: nothing was stored. The same call may succeed later."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "The database of the service is not available at the moment: try again in a few seconds.", detail
        )


class WrongRevision(RecordsError):
    """The tables are of another revision than this program: `found` (None: there are no tables) and `needed`."""

    def __init__(self, found: str | None, needed: str) -> None:
        super().__init__(
            f"The database has the tables of revision {found or 'none'}, this program needs {needed}: "
            "run `python -m api.records migrate` of the newest program, then start the service again."
        )
        self.found = found
        self.needed = needed


class RecordRefused(RecordsError):
    """The database answers, and does not take what it was given: trying again will not help."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "The database of the service does not take what was to be stored, and trying again will not help: "
            "tell the operators, whose log says why.",
            detail,
        )


class CheckpointsKept(RecordsError):
    """The checkpoints of `number` jobs that are recorded could not be deleted yet; their files wait for the next try."""

    def __init__(self, number: int) -> None:
        super().__init__(f"The checkpoints of {number} finished jobs cannot be deleted: look at the object storage.")
        self.number = number


class NotDeleted(RecordsError):
    """Some of `number` folders of jobs that ended long ago could not be deleted; they are tried again the next time."""

    def __init__(self, number: int, detail: str) -> None:
        super().__init__(f"Some of {number} folders of finished jobs cannot be deleted: delete them by hand.", detail)
        self.number = number


class LimitReached(RecordsError):
    """More than one user or job may have; `limit` names what of, `most` how many."""

    def __init__(self, limit: str, most: int, sentence: str) -> None:
        super().__init__(sentence)
        self.limit = limit
        self.most = most


class SettingsUnusable(RecordsError):
    """The settings of the records cannot be used; the message names file and key."""
