"""A store in a bucket of any S3 service: AWS, Ceph, MinIO, OpenStack Swift and others.

Links are presigned (Signature Version 4). The service itself checks them, and takes an upload whole or not at all. What is
bound, is bound by signed headers that the sender must repeat: a size by Content-Length, which every HTTP client sends anyway,
a checksum by a header of its own. Without a declared size S3 binds no limit to an upload: its own, 5 GB for one PUT, holds.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from api.objects.checksum import Checksum
from api.objects.disposition import content_disposition
from api.objects.errors import StorageUnavailable, TooLarge
from api.objects.store import Link, Object

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 20.0
"""Seconds to wait for a connection, and for each piece of an answer."""
_ATTEMPTS = 3

_PARAMETERS = {"sha256": "ChecksumSHA256", "sha1": "ChecksumSHA1", "md5": "ContentMD5"}
_HEADERS = {"sha256": "x-amz-checksum-sha256", "sha1": "x-amz-checksum-sha1", "md5": "Content-MD5"}

_log = logging.getLogger(__name__)


def connect(
    endpoint: str | None, region: str, access_key: str, secret_key: str, *, path_style: bool = True
) -> S3Client:
    """A client for an S3 service at `endpoint` (AWS itself where None)."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if path_style else "virtual"},
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
            # Otherwise every presigned upload would ask for a CRC that plain HTTP clients do not send.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


class S3Store:
    """The store in `bucket`, below `prefix` ("" or ending in "/")."""

    def __init__(self, client: S3Client, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def upload_link(
        self, key: str, *, checksum: Checksum | None, size: int | None, largest: int, lifetime: float, plain: bool
    ) -> Link:
        """As `Store.upload_link`; TooLarge where `size` is beyond `largest`."""
        parameters: dict[str, Any] = {}
        headers: dict[str, str] = {}
        if size is not None:
            if size > largest:
                raise TooLarge(largest)
            parameters["ContentLength"] = size
        if checksum is not None and not plain:
            value = base64.b64encode(bytes.fromhex(checksum.digest)).decode()
            parameters[_PARAMETERS[checksum.algorithm]] = value
            headers[_HEADERS[checksum.algorithm]] = value
        return Link(self._presigned("put_object", key, lifetime, parameters), headers=headers)

    def download_link(self, key: str, *, lifetime: float, filename: str) -> str:
        """As `Store.download_link`."""
        parameters = {
            "ResponseContentDisposition": content_disposition(filename),
            "ResponseContentType": "application/octet-stream",
        }
        return self._presigned("get_object", key, lifetime, parameters)

    def listing(self, prefix: str) -> Iterator[Object]:
        """As `Store.listing`."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        with _reporting("list"):
            for page in pages:
                for entry in page.get("Contents", []):
                    key = entry["Key"].removeprefix(self._prefix)
                    modified = entry["LastModified"].timestamp()
                    yield Object(key, entry["Size"], modified, entry["ETag"].strip('"'))

    def find(self, key: str) -> Object | None:
        """As `Store.find`."""
        with _reporting("find"):
            try:
                found = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
            except ClientError as error:
                if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
                    raise
                # The answer to a HEAD has no body, so that a missing bucket looks like a missing object.
                self._client.head_bucket(Bucket=self._bucket)
                return None
            return Object(key, found["ContentLength"], found["LastModified"].timestamp(), found["ETag"].strip('"'))

    def delete(self, key: str) -> None:
        """As `Store.delete`."""
        with _reporting("delete"):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    def _presigned(self, operation: str, key: str, lifetime: float, parameters: dict[str, Any]) -> str:
        with _reporting("sign"):
            return self._client.generate_presigned_url(
                operation,
                Params={"Bucket": self._bucket, "Key": self._prefix + key, **parameters},
                ExpiresIn=math.ceil(lifetime),
            )


@contextlib.contextmanager
def _reporting(operation: str) -> Iterator[None]:
    """Turns what the service or the way to it refuses into StorageUnavailable."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        code = error.response["Error"].get("Code", "") if isinstance(error, ClientError) else type(error).__name__
        _log.warning("object storage: %s: %s", operation, code)
        raise StorageUnavailable(operation, code) from error
