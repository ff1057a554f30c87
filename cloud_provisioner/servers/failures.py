"""What can go wrong with a server, by what it teaches about the next one."""

from __future__ import annotations

from enum import StrEnum


class Failure(StrEnum):
    """Classes of failures. Drivers name one for every refusal; time limits and the pool add BOOT and LOST."""

    AUTH = "auth"
    """The cloud does not accept the credential: stops the site (for the user whose grant it is)."""
    QUOTA = "quota"
    """The project's quota does not allow one more: waits until something is released."""
    CAPACITY = "capacity"
    """The cloud has no host for it: another flavor or another site may do."""
    BAD_REQUEST = "badRequest"
    """The cloud does not know the flavor, the image or the network: an admin must look at the site's file."""
    BUSY = "busy"
    """The cloud answers 429 or 5xx, or not in time: a little later may do."""
    BOOT = "boot"
    """The server did not come up or did not join in time: the image is suspected, so it stops the site."""
    LOST = "lost"
    """A worker that had joined went away by itself."""
