"""What a database can answer instead of an answer."""

from __future__ import annotations


class DatabaseError(Exception):
    """Base of everything this package raises; `detail` is for logs, the message for people."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail

    @property
    def told(self) -> str:
        """The message with the detail behind it, for those who look after the database."""
        return f"{self} {self.detail}".rstrip()


class DatabaseUnavailable(DatabaseError):
    """The database does not answer, or cannot store: nothing was stored. The same call may succeed later.

    Only where it went away in the very moment of a commit is that not sure: calls are made so that they can be repeated.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(
            "The database of the service is not available at the moment: try again in a few seconds.", detail
        )


class DatabaseRefused(DatabaseError):
    """The database answers, and does not take what it was given: trying again will not help."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "The database of the service does not take what was to be stored, and trying again will not help: "
            "tell the operators, whose log says why.",
            detail,
        )


class WrongRevision(DatabaseError):
    """The tables are of another revision than this program: `found` (None: there are no tables) and `needed`.

    `migrate` is the command that mends it.
    """

    def __init__(self, found: str | None, needed: str, migrate: str) -> None:
        super().__init__(
            f"The database has the tables of revision {found or 'none'}, this program needs {needed}: "
            f"run `{migrate}` of the newest program, then start the service again."
        )
        self.found = found
        self.needed = needed
        self.migrate = migrate
