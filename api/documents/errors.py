"""What can go wrong with a document, in words for the person who wrote it."""


class DocumentError(Exception):
    """Base of every error of this package."""


class InvalidDocument(DocumentError):
    """A document breaks a rule.

    ``field`` is the path of the offending part as its writer knows it (``tasks[0].procsPerNode``), "" where
    the document as a whole is meant. ``message`` is one sentence that names the field and says what is
    allowed; it holds no secret and only a short, escaped piece of what was sent. Both are read-only.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(field, message)
        self._field = field
        self._message = message

    @property
    def field(self) -> str:
        """Path of the offending field, "" for the whole document."""
        return self._field

    @property
    def message(self) -> str:
        """One sentence: which field, and what is allowed there."""
        return self._message

    def __str__(self) -> str:
        return self._message
