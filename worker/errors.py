"""Everything that can go wrong before or around a task, each with a code for programs and a sentence for people."""

from __future__ import annotations

from typing import Optional

from worker.exitcodes import ExitCode


class WorkerError(Exception):
    """Base of the executor's errors; ``message`` is what the owner of the job will read."""

    code = "internalError"
    exit_code = ExitCode.INTERNAL

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class JobFileError(WorkerError):
    """``job.json`` or the token is missing or cannot be understood."""

    code = "jobFileInvalid"
    exit_code = ExitCode.STAGING

    def __init__(self, filename: str, detail: str) -> None:
        super().__init__(
            f"The job's own file {filename} could not be read ({detail}); "
            "submit the job again, and tell the service's administrators if this repeats."
        )
        self.filename = filename
        self.detail = detail


class StagingError(WorkerError):
    """A file that the job names could not be created below its home directory."""

    code = "stagingFailed"
    exit_code = ExitCode.STAGING

    def __init__(self, filename: str, detail: str) -> None:
        super().__init__(f"The file {filename!r} could not be written: {detail}.")
        self.filename = filename
        self.detail = detail


class RuntimeUnavailableError(WorkerError):
    """The container runtime is missing or may not run on this worker."""

    code = "runtimeUnavailable"
    exit_code = ExitCode.RUNTIME

    def __init__(self, detail: str) -> None:
        super().__init__(f"The container runtime could not start on this worker: {detail}; submit the job again.")
        self.detail = detail


class TaskUnsupportedError(WorkerError):
    """A task asks for something that this executor does not do."""

    code = "taskUnsupported"
    exit_code = ExitCode.RUNTIME

    def __init__(self, field: str, value: str, supported: str) -> None:
        super().__init__(f"This worker cannot run a task with {field} {value!r}; use {supported!r} or leave it out.")
        self.field = field
        self.value = value


class ImageError(WorkerError):
    """Base of what can be wrong with an image. ``transient`` errors are worth another try."""

    code = "imageFailed"
    exit_code = ExitCode.IMAGE
    transient = False

    def __init__(self, image: str, message: str) -> None:
        super().__init__(message)
        self.image = image


class ImageReferenceError(ImageError):
    """The text is not the name of an image."""

    code = "imageReferenceInvalid"

    def __init__(self, image: str) -> None:
        super().__init__(
            image,
            f"{image!r} is not the name of an image; give name:tag, docker://host/name:tag, "
            "an http(s) address of a .sif or .tar file, or an absolute path.",
        )


class ImageNotFoundError(ImageError):
    """There is no such image at the place it names."""

    code = "imageNotFound"

    def __init__(self, image: str, where: str) -> None:
        super().__init__(image, f"The image {image!r} was not found at {where}; check its name and tag.")
        self.where = where


class ImagePathRefusedError(ImageError):
    """A path on the worker that is outside of the directories open to jobs."""

    code = "imagePathRefused"

    def __init__(self, image: str, allowed: str) -> None:
        super().__init__(
            image, f"The image {image!r} is not below a directory of images on this worker ({allowed or 'none'})."
        )
        self.allowed = allowed


class ImageCredentialsError(ImageError):
    """The registry or server does not let the caller have the image."""

    code = "imageCredentialsRefused"

    def __init__(self, image: str, where: str, given: bool) -> None:
        hint = (
            "the username or token in imagePullCredential was refused"
            if given
            else "it does not exist or it is private; a private image needs imagePullCredential"
        )
        super().__init__(image, f"{where} did not give out the image {image!r}: {hint}.")
        self.where = where


class ImageRateLimitError(ImageError):
    """The registry or server asks for fewer requests."""

    code = "imageRateLimited"
    transient = True

    def __init__(self, image: str, where: str, retry_after: Optional[float] = None) -> None:
        super().__init__(
            image,
            f"{where} limits how often images are fetched and refused {image!r} for now; "
            "try later, or give imagePullCredential for a higher limit.",
        )
        self.where = where
        self.retry_after = retry_after


class ImageNetworkError(ImageError):
    """The image could not be fetched because of the network or of the server at its other end."""

    code = "imageNetworkError"
    transient = True

    def __init__(self, image: str, where: str, detail: str) -> None:
        super().__init__(image, f"The image {image!r} could not be fetched from {where}: {detail}; try again later.")
        self.where = where
        self.detail = detail


class ImageDiskFullError(ImageError):
    """No space to fetch or unpack the image."""

    code = "imageDiskFull"

    def __init__(self, image: str) -> None:
        super().__init__(
            image, f"The worker's disk is too full to unpack the image {image!r}; ask for more in resources.disk."
        )


class ImageCorruptError(ImageError):
    """The file or the layers of the image cannot be unpacked."""

    code = "imageCorrupt"

    def __init__(self, image: str, detail: str) -> None:
        super().__init__(image, f"The image {image!r} could not be unpacked: {detail}; build or upload it again.")
        self.detail = detail


class ImageFormatError(ImageError):
    """A file of a kind that is not run as an image."""

    code = "imageFormatRefused"

    def __init__(self, image: str, found: str) -> None:
        super().__init__(
            image, f"The image {image!r} is {found}; give a .sif file or a .tar file made by 'docker save'."
        )
        self.found = found


class ImageChecksumError(ImageError):
    """The image is not the one that ``imageSha256`` names."""

    code = "imageChecksumMismatch"

    def __init__(self, image: str, expected: str, found: str) -> None:
        super().__init__(
            image,
            f"The image {image!r} has the SHA-256 {found}, and imageSha256 says {expected}; "
            "correct imageSha256 or name another image.",
        )
        self.expected = expected
        self.found = found
