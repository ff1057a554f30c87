"""What object storage refuses. The sentences never hold a key, a link or a secret."""

from __future__ import annotations

from api.errors import ApiError


class ObjectError(ApiError):
    """Base of this package's refusals."""


class StorageUnavailable(ObjectError):
    """The storage cannot be used now. `operation` and `why` are for the operators' log."""

    status = 503
    code = "storageUnavailable"

    def __init__(self, operation: str, why: str) -> None:
        super().__init__("The object storage cannot be used at the moment: try again later.")
        self.operation = operation
        self.why = why


class Busy(ObjectError):
    """As many uploads and downloads run as this process allows (`limit`)."""

    status = 503
    code = "busy"

    def __init__(self, limit: int) -> None:
        super().__init__("Too many uploads and downloads run at the moment: try again in a few seconds.")
        self.limit = limit


class InvalidName(ObjectError):
    """A name that no object can have."""

    code = "invalidName"

    def __init__(self, field: str, says: str) -> None:
        super().__init__(f"{field} {says}", field)


class InvalidChecksum(ObjectError):
    """Not the hexadecimal digest of a file."""

    code = "invalidChecksum"

    def __init__(self) -> None:
        super().__init__(
            "checksum must be the file's SHA-256, SHA-1 or MD5 in hexadecimal (64, 40 or 32 digits), or be left out",
            "checksum",
        )


class NotInGroup(ObjectError):
    """A name in a group that the caller is not in; whether there is such a group is not said."""

    status = 403
    code = "notInGroup"

    def __init__(self) -> None:
        super().__init__("A name with '/' belongs to a group, and you are not in that group: see your groups.")


class NoSuchObject(ObjectError):
    """There is no such object, or not any more."""

    status = 404
    code = "noSuchObject"

    def __init__(self) -> None:
        super().__init__("There is no such object: see the list of your objects.")


class NoCheckpoint(ObjectError):
    """The job has saved no checkpoint yet."""

    status = 404
    code = "noCheckpoint"

    def __init__(self) -> None:
        super().__init__("There is no checkpoint of this job yet: it starts from its beginning.")


class NothingUploaded(ObjectError):
    """A job's document names an object that is not there."""

    code = "noSuchObject"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no uploaded object {name!r}: upload it before the job is submitted.", "artifacts")
        self.name = name


class QuotaExceeded(ObjectError):
    """No room is left for one owner: `used` and `limit` of `unit` ("bytes" or "objects")."""

    code = "quotaExceeded"

    def __init__(self, used: int, limit: int, unit: str) -> None:
        super().__init__(f"{used} of {limit} {unit} are in use: delete objects that are no longer needed.")
        self.used = used
        self.limit = limit
        self.unit = unit


class TooLarge(ObjectError):
    """More bytes than the link or the settings allow: `limit` in bytes."""

    status = 413
    code = "tooLarge"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The object is larger than the {limit} bytes that are allowed here: split it.")
        self.limit = limit


class WrongSize(ObjectError):
    """The link was made for another size: `expected` and `received` in bytes."""

    code = "wrongSize"

    def __init__(self, expected: int, received: int) -> None:
        super().__init__(f"The link was made for {expected} bytes, not for {received}: ask for a new link.")
        self.expected = expected
        self.received = received


class ChecksumMismatch(ObjectError):
    """The bytes are not those whose checksum was announced."""

    code = "checksumMismatch"

    def __init__(self, algorithm: str) -> None:
        super().__init__(f"The bytes do not have the announced checksum ({algorithm}): send the file again.")
        self.algorithm = algorithm


class BrokenUpload(ObjectError):
    """The body ended early or could not be read: `expected` bytes (None where not announced), `received` so far."""

    code = "brokenUpload"

    def __init__(self, expected: int | None, received: int) -> None:
        announced = "the end" if expected is None else f"{expected} bytes"
        super().__init__(f"The upload ended after {received} bytes, before {announced}: send the file again.")
        self.expected = expected
        self.received = received


class UploadTooSlow(ObjectError):
    """The upload took longer than `limit` seconds."""

    status = 408
    code = "uploadTooSlow"

    def __init__(self, limit: float) -> None:
        super().__init__(f"The upload took longer than {limit:.0f} seconds: send smaller files.")
        self.limit = limit


class LinkRefused(ObjectError):
    """A link that this service did not make, or that was changed."""

    status = 403
    code = "linkRefused"

    def __init__(self) -> None:
        super().__init__("This link is not valid: use it exactly as it was given, or ask for a new one.")


class LinkExpired(ObjectError):
    """A link whose time is over."""

    status = 403
    code = "linkExpired"

    def __init__(self) -> None:
        super().__init__("This link has expired: ask for a new one.")


class RangeRefused(ObjectError):
    """A range outside of the object: `size` in bytes."""

    status = 416
    code = "rangeNotSatisfiable"

    def __init__(self, size: int) -> None:
        super().__init__(f"The object has {size} bytes: ask for a range within them.")
        self.size = size
