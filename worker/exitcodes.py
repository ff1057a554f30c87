"""What the executor's own exit code tells HTCondor and the service."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit code of the executor; the reasons behind it are in ``report.json``."""

    OK = 0
    """All tasks ran and succeeded, or their failures were to be ignored."""
    TASK_FAILED = 1
    """A task exited with a code other than zero."""
    IMAGE = 65
    """An image could not be found, fetched or unpacked."""
    STAGING = 66
    """The job's own files, or its storage, could not be read or written."""
    RUNTIME = 67
    """The container runtime could not start, or cannot do what a task asks for."""
    MEMORY = 68
    """The tasks used more memory than the job may, and were ended."""
    DELETED = 69
    """The job's user had deleted it before it began."""
    INTERNAL = 70
    """An error of the executor itself."""
    EVICTED = 143
    """The executor was told to stop (SIGTERM)."""
