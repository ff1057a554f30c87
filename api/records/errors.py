"""What goes wrong in the records, beside what the database itself may say (`database.errors`)."""

from __future__ import annotations


class RecordsError(Exception):
    """Base of everything this package raises; `detail` is for logs, the message for people."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


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
