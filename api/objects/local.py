"""A store in a folder of this machine; its links lead to the API itself (`api.routes.objects`).

    ROOT/objects/    the objects, as `files` maps keys to paths
    ROOT/incoming/   uploads that are not complete yet

An object is one file, moved into place when it is complete, checked and on the disk; so a reader has one version from its
first byte to its last, and of two writers the later one wins. A folder goes with its last object; an upload that finds its
folder gone makes it again. Several processes may serve one root, also on several hosts where the file system has locks.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from api.objects import files, links
from api.objects.checksum import Checksum
from api.objects.errors import ChecksumMismatch, NoSuchObject, StorageUnavailable, TooLarge, WrongSize
from api.objects.incoming import ABANDONED, Incoming, IncomingFile
from api.objects.store import Link, Object

_PUBLISH_TRIES = 20
"""How often a folder is made again that others remove at the same time."""

_log = logging.getLogger(__name__)


class LocalStore:
    """The store below `root`, which is made if need be. StorageUnavailable.

    `url` is the address of the routes that serve its links, `secret` (at least 32 bytes) signs them; `clock` gives epoch
    seconds, `new_id` names that are never used twice.
    """

    def __init__(
        self,
        root: Path,
        secret: bytes,
        url: str,
        *,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._objects = root / "objects"
        self._secret = secret
        self._url = url.rstrip("/")
        self._clock = clock
        self._incoming = Incoming(root / "incoming", new_id)
        self._swept = 0.0
        with _reporting("start"):
            for folder in (root, self._objects, root / "incoming"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def upload_link(
        self, key: str, *, checksum: Checksum | None, size: int | None, largest: int, lifetime: float, plain: bool
    ) -> Link:
        """As `Store.upload_link`: everything is bound by the URL, so `plain` makes no difference."""
        del plain
        digest = checksum.digest if checksum else ""
        expires = links.expiry(self._clock(), lifetime)
        return Link(self._link(links.Grant("PUT", key, expires, checksum=digest, size=size, largest=largest)))

    def download_link(self, key: str, *, lifetime: float, filename: str) -> str:
        """As `Store.download_link`."""
        return self._link(links.Grant("GET", key, links.expiry(self._clock(), lifetime), filename=filename))

    def granted(self, method: links.Method, key: str, query: dict[str, list[str]]) -> links.Grant:
        """What a request to a link may do: as `links.granted`, now."""
        return links.granted(method, key, query, self._secret, self._clock())

    def listing(self, prefix: str) -> Iterator[Object]:
        """As `Store.listing`."""
        folder = self._objects.joinpath(*files.folder_path(prefix.rstrip("/").split("/")))
        waiting = [(folder, prefix, "")]
        with _reporting("list"):
            while waiting:
                folder, key, piece = waiting.pop()
                for path, found in _entries(folder, key, piece):
                    if isinstance(found, Object):
                        yield found
                    else:
                        waiting.append((path, *found))

    def find(self, key: str) -> Object | None:
        """As `Store.find`."""
        with _reporting("find"):
            try:
                return _described(key, self._path(key).stat())
            except FileNotFoundError:
                return None

    def delete(self, key: str) -> None:
        """As `Store.delete`; folders that it leaves empty go with it."""
        path = self._path(key)
        with _reporting("delete"):
            path.unlink(missing_ok=True)
            for folder in path.parents:
                if folder == self._objects:
                    return
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    continue
                except OSError:
                    return  # it is in use

    def open(self, key: str) -> tuple[int, Object]:
        """A descriptor of an object's file, which the caller closes, and what it holds; NoSuchObject."""
        with _reporting("open"):
            try:
                descriptor = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                raise NoSuchObject from None
            return descriptor, _described(key, os.fstat(descriptor))

    def receive(self, grant: links.Grant, body: Iterable[bytes], announced: int | None, largest: int) -> Object:
        """Writes the bytes of an upload that `grant` allows, all or nothing.

        `announced` is the size that the request claims, in bytes, and `largest` what is allowed beside the grant. TooLarge,
        WrongSize, ChecksumMismatch, StorageUnavailable, and whatever `body` raises.
        """
        limit = largest if grant.largest is None else min(largest, grant.largest)
        _check_size(announced, grant.size, limit)
        with _reporting("upload"):
            self._sweep_sometimes()
            with self._incoming.file() as file:
                received = self._write(file, body, grant, limit)
                if grant.size is not None and received != grant.size:
                    raise WrongSize(grant.size, received)
                return _described(grant.key, self._publish(file, self._path(grant.key)))

    def sweep(self) -> int:
        """Removes what killed processes left of their uploads, and says how many files."""
        with _reporting("sweep"):
            return self._incoming.sweep(self._clock())

    def _write(self, file: IncomingFile, body: Iterable[bytes], grant: links.Grant, limit: int) -> int:
        checksum = links.checksum_of(grant)
        digest = checksum.running() if checksum else None
        received = 0
        for data in body:
            received += len(data)
            if grant.size is not None and received > grant.size:
                raise WrongSize(grant.size, received)
            _check_size(received, None, limit)
            if digest is not None:
                digest.update(data)
            file.write(data)
        if checksum is not None and digest is not None and not checksum.matches(digest):
            raise ChecksumMismatch(checksum.algorithm)
        return received

    def _publish(self, file: IncomingFile, path: Path) -> os.stat_result:
        for _ in range(_PUBLISH_TRIES):
            try:
                _make_folders(path.parent)
                published = file.publish(path)
            except FileNotFoundError:
                continue  # the folder's last object was deleted just now
            with contextlib.suppress(FileNotFoundError):  # this object was deleted just now
                _sync_folder(path.parent)
            return published
        raise StorageUnavailable("upload", "the folder of the object goes away all the time")

    def _sweep_sometimes(self) -> None:
        now = self._clock()
        if now - self._swept >= ABANDONED:
            self._swept = now
            removed = self._incoming.sweep(now)
            if removed:
                _log.info("removed %d uploads that were never completed", removed)

    def _path(self, key: str) -> Path:
        return self._objects.joinpath(*files.path_of(key))

    def _link(self, grant: links.Grant) -> str:
        return f"{self._url}/{links.path_and_query(grant, self._secret)}"


def _entries(folder: Path, key: str, piece: str) -> Iterator[tuple[Path, Object | tuple[str, str]]]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            found = files.child(key, piece, entry.name)
            if found is None:
                continue
            if not found[2]:
                yield Path(entry.path), found[:2]
                continue
            with contextlib.suppress(FileNotFoundError):
                yield Path(entry.path), _described(found[0], entry.stat())


def _described(key: str, status: os.stat_result) -> Object:
    etag = f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"
    return Object(key, status.st_size, status.st_mtime, etag)


def _check_size(size: int | None, expected: int | None, limit: int) -> None:
    if size is None:
        return
    if expected is not None and size != expected:
        raise WrongSize(expected, size)
    if size > limit:
        raise TooLarge(limit)


def _make_folders(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        _make_folders(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _reporting(operation: str) -> Iterator[None]:
    """Turns what the file system refuses into StorageUnavailable."""
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        _log.warning("object storage: %s: %s", operation, why)
        raise StorageUnavailable(operation, why) from error
