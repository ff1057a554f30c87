"""Data of people and of jobs: who may put, see and delete what. The rules behind the routes; no HTTP.

Everything is a link: bytes go between the client, or the job, and the store. Time within which a link must be used: uploads
`upload_lifetime`, downloads a week, the longest that S3 allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate

from api.objects import names
from api.objects.checksum import Checksum
from api.objects.errors import NoCheckpoint, NothingUploaded, TooLarge
from api.objects.quota import Quota
from api.objects.requests import FileRequest, OutputRequest, UploadRequest
from api.objects.store import Link, Object, Store
from identity.caller import Caller, owner_of

DOWNLOAD_LIFETIME = 7 * 24 * 3600.0
"""Seconds for which a link to download is good."""
SNAPSHOT = "snapshot.tgz"


@dataclass(frozen=True)
class Data:
    """The objects in one store. `largest` in bytes, `upload_lifetime` in seconds.

    All methods raise StorageUnavailable where the store cannot be reached; names that cannot be are InvalidName, names in a
    group that the caller is not in NotInGroup.
    """

    store: Store
    quota: Quota
    primary_issuer: str
    largest: int
    upload_lifetime: float

    def upload(self, request: UploadRequest, caller: Caller) -> Link:
        """Where to put an object; InvalidChecksum, TooLarge, QuotaExceeded."""
        key = names.owned_key(request.filename, self._owner(caller), caller.groups, "filename")
        return self._upload_link(key, request)

    def entries(self, caller: Caller, path: str | None) -> list[dict[str, object]]:
        """The caller's own objects, or those of a group, or of a folder in it, by name.

        `lastModified` is a date as in HTTP headers: clients that are in use pad it, as text.
        """
        if path is None:
            prefix, shown = names.user_prefix(self._owner(caller)), ""
            found = self.store.listing(prefix)
        else:
            group, inner = names.listed(path, caller.groups, "the path")
            prefix, shown = names.group_prefix(group), f"{group}/"
            found = self._below(prefix, inner)
        listed = ((shown + stored.key.removeprefix(prefix), stored) for stored in found)
        return [
            {"name": name, "size": stored.size, "lastModified": formatdate(stored.last_modified, usegmt=True)}
            for name, stored in sorted(listed, key=lambda entry: entry[0])
        ]

    def delete(self, name: str, caller: Caller) -> None:
        """Deletes an object of the caller's, or of a group; one that is not there is no error."""
        key = names.owned_key(name, self._owner(caller), caller.groups, "the name")
        self.store.delete(key)
        self.quota.forget(names.owner_prefix(key))

    def check_upload(self, name: str, caller: Caller) -> None:
        """NothingUploaded where there is nothing uploaded as `name` that a job of the caller's could fetch."""
        self._uploaded(name, caller)

    def artifact_link(self, name: str, caller: Caller) -> str:
        """A URL from which a job of the caller's can fetch what was uploaded as `name`; NothingUploaded."""
        return self._download_link(self._uploaded(name, caller))

    def output_link(self, submission: str, request: OutputRequest) -> Link:
        """Where the running job `submission` puts an output; InvalidChecksum, TooLarge, QuotaExceeded."""
        key = names.job_prefix(submission) + names.check_name(request.name, "name")
        return self._upload_link(key, request)

    def outputs(self, submission: str) -> dict[str, Object]:
        """What a job has put so far, by the names of `output_link`."""
        prefix = names.job_prefix(submission)
        return {stored.key.removeprefix(prefix): stored for stored in self.store.listing(prefix)}

    def output_url(self, submission: str, name: str) -> str:
        """A URL that downloads an output, whether it is there (yet) or not."""
        return self._download_link(names.job_prefix(submission) + names.check_name(name, "name"))

    def snapshot_link(self, submission: str) -> Link:
        """Where the archive of a running job's files is put, in place of an earlier one; QuotaExceeded."""
        return self._upload_link(_snapshot(submission), FileRequest())

    def snapshot_url(self, submission: str) -> str | None:
        """A URL that downloads the latest snapshot of a job; None where there is none."""
        key = _snapshot(submission)
        return self._download_link(key) if self.store.find(key) is not None else None

    def checkpoint_link(self, submission: str, request: FileRequest) -> Link:
        """Where the running job puts a checkpoint, in place of the one before; InvalidChecksum, TooLarge, QuotaExceeded."""
        return self._upload_link(names.checkpoint_key(submission), request)

    def checkpoint(self, submission: str) -> dict[str, object]:
        """Where the latest checkpoint of a job can be fetched, and its size; NoCheckpoint."""
        key = names.checkpoint_key(submission)
        found = self.store.find(key)
        if found is None:
            raise NoCheckpoint
        return {"url": self._download_link(key), "size": found.size}

    def discard(self, submission: str) -> None:
        """Deletes the outputs, the snapshot and the checkpoint of a job; safe to repeat."""
        self.store.delete(names.checkpoint_key(submission))
        for prefix in (names.job_prefix(submission), names.snapshot_prefix(submission)):
            for stored in self.store.listing(prefix):
                self.store.delete(stored.key)
            self.quota.forget(prefix)

    def _uploaded(self, name: str, caller: Caller) -> str:
        key = names.owned_key(name, self._owner(caller), caller.groups, "the artifact's url")
        if self.store.find(key) is None:
            raise NothingUploaded(name)
        return key

    def _upload_link(self, key: str, request: FileRequest) -> Link:
        checksum = Checksum.parse(request.checksum) if request.checksum is not None else None
        if request.size is not None and request.size > self.largest:
            raise TooLarge(self.largest)
        largest = min(self.largest, self.quota.room(names.owner_prefix(key)))
        if request.size is not None and request.size > largest:
            raise TooLarge(largest)
        return self.store.upload_link(
            key,
            checksum=checksum,
            size=request.size,
            largest=largest,
            lifetime=self.upload_lifetime,
            plain=not request.headers,
        )

    def _download_link(self, key: str) -> str:
        return self.store.download_link(key, lifetime=DOWNLOAD_LIFETIME, filename=key.rpartition("/")[2])

    def _below(self, prefix: str, inner: str) -> Iterator[Object]:
        """All objects of a group, or the one called `inner` and those in the folder of that name."""
        if not inner:
            yield from self.store.listing(prefix)
            return
        itself = self.store.find(prefix + inner)
        if itself is not None:
            yield itself
        yield from self.store.listing(f"{prefix}{inner}/")

    def _owner(self, caller: Caller) -> str:
        return owner_of(caller.issuer, caller.subject, self.primary_issuer)


def _snapshot(submission: str) -> str:
    return names.snapshot_prefix(submission) + SNAPSHOT
