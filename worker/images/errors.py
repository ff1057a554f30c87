"""What can go wrong with an image; the class says whether it was its name, credentials, a limit, the network or the disk."""

from __future__ import annotations

from typing import Optional

from worker.errors import WorkerError
from worker.exitcodes import ExitCode


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


class ImageDiskError(ImageError):
    """The worker's disk did not do what was asked of it."""

    code = "imageDiskFailed"

    def __init__(self, image: str, detail: str) -> None:
        super().__init__(image, f"The worker could not store the image {image!r}: {detail}; submit the job again.")
        self.detail = detail


class ImageCorruptError(ImageError):
    """The file or the layers of the image cannot be unpacked."""

    code = "imageCorrupt"

    def __init__(self, image: str, detail: str) -> None:
        super().__init__(image, f"The image {image!r} could not be unpacked: {detail}; build or upload it again.")
        self.detail = detail


class ImagePlatformError(ImageError):
    """The image is not made for machines like the worker."""

    code = "imagePlatformMissing"

    def __init__(self, image: str, platform: str) -> None:
        super().__init__(image, f"The image {image!r} has no variant for {platform}; name one that has.")
        self.platform = platform


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
