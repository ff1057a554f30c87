"""From the image that a task names to an unpacked directory that a container can run from.

Workers mount no image files (that needs a FUSE device), so every image becomes a directory, kept by digest in a store
that jobs of a worker share. What the name says decides the way: a path on the worker, an address, a registry.
"""

from __future__ import annotations

from worker.images import reference
from worker.images.source import Image, Source
from worker.job import Task

__all__ = ["Image", "Source", "obtain"]


def obtain(task: Task, source: Source) -> Image:
    """The unpacked image of a task. Raises ImageError, and RuntimeUnavailableError where Apptainer is missing."""
    named = reference.parse(task.image)
    if isinstance(named, reference.LocalPath):
        from worker.images import local

        image = local.obtain(named, task.image_sha256, source)
    elif isinstance(named, reference.Url):
        from worker.images import download

        image = download.obtain(named, task.image_sha256, source)
    else:
        from worker.images import docker

        image = docker.obtain(named, task.image_sha256, task.credential, source)
    return image
