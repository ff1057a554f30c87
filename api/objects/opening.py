"""From settings to a store."""

from __future__ import annotations

import tomllib

from api.objects.local import LocalStore
from api.objects.s3 import S3Store, connect
from api.objects.settings import LocalStorage, S3Storage, Storage
from identity.errors import Misconfigured
from identity.private_files import read_private

_SHORTEST_SECRET = 32


def open_store(settings: Storage, url: str) -> LocalStore | S3Store:
    """The store of either kind; `url` is the address of the service. Misconfigured, StorageUnavailable."""
    if isinstance(settings, LocalStorage):
        return open_local(settings, f"{url.rstrip('/')}/objects")
    return open_s3(settings)


def open_local(settings: LocalStorage, url: str) -> LocalStore:
    """The store in a folder; `url` is where `api.routes.objects` is reached. Misconfigured, StorageUnavailable."""
    secret = read_private(settings.signing_secret, "storage.signing_secret")
    if len(secret) < _SHORTEST_SECRET:
        raise Misconfigured("storage.signing_secret", f"the secret is shorter than {_SHORTEST_SECRET} bytes")
    return LocalStore(settings.root, secret, url)


def open_s3(settings: S3Storage) -> S3Store:
    """The store in a bucket; nothing is asked of the service yet. Misconfigured."""
    access_key, secret_key = _credentials(read_private(settings.credentials, "storage.credentials"))
    endpoint = str(settings.endpoint) if settings.endpoint is not None else None
    client = connect(endpoint, settings.region, access_key, secret_key, path_style=settings.addressing == "path")
    return S3Store(client, settings.bucket, settings.prefix)


def _credentials(text: bytes) -> tuple[str, str]:
    try:
        content = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise Misconfigured("storage.credentials", "the file is not TOML") from None  # the text is secret
    pair = (content.get("access_key"), content.get("secret_key"))
    if len(content) != len(pair) or not all(isinstance(key, str) and key for key in pair):
        raise Misconfigured("storage.credentials", "the file must have access_key and secret_key, and nothing else")
    return str(pair[0]), str(pair[1])
