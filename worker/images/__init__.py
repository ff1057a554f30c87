"""From the image that a task names to an unpacked directory that a container can run from.

Every image becomes a directory, kept by digest in a store that jobs of a worker share: containers start faster from one than
from an image file, whatever the size (docs/performance.md). What the name says decides the way: a path on the worker, an
address, a registry.
"""

from __future__ import annotations

from worker.images import reference
from worker.images.source import Image, Kept, Source
from worker.job import Task

__all__ = ["Image", "Kept", "Source", "obtain"]


def obtain(task: Task, source: Source) -> Image:
    """The unpacked image of a task. A job's tasks that name the same image get the same one, though its tag may have moved.

    Raises ImageError, and RuntimeUnavailableError where Apptainer is missing.
    """
    named = (task.image, task.image_sha256, task.credential)
    known = source.kept.images.get(named)
    if known is None:
        known = _obtain(task, source)
        source.kept.images[named] = known._replace(cached=True)
    return known


def _obtain(task: Task, source: Source) -> Image:
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
