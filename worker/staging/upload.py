"""One output from a file into the object store: the service is asked for a link, the bytes go where the link leads.

Each try asks for a new link, because the old one may be too old by then. An upload that broke leaves nothing behind: stores
take one whole or not at all.
"""

from __future__ import annotations

import json
import re
from typing import IO, Any, Dict, Iterator, NamedTuple, Tuple

from worker.images.reference import is_address
from worker.staging import wire
from worker.staging.digests import Digest
from worker.staging.errors import OutputNetworkError, OutputNotStoredError, OutputRefusedError, TransferError
from worker.staging.terms import CHUNK, Terms, retrying

_XML_SENTENCE = re.compile(r"<Message>([^<]*)</Message>")
_LONGEST_ANSWER = 64 * 1024
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")


class Service(NamedTuple):
    """The REST API: the address that its paths are below, and the job's token, which it knows the job by.

    ``path`` is where it is asked for links.
    """

    url: str
    token: str
    path: str = "/data/output"


class Output(NamedTuple):
    """What is stored as ``name``: ``size`` bytes from the beginning of ``file``. ``sha256`` is "" while it is not known.

    ``shown`` is what the job's owner calls it. What has no name is the only one at the service's path.
    """

    name: str
    shown: str
    file: IO[bytes]
    size: int
    sha256: str = ""


def store(output: Output, service: Service, terms: Terms) -> str:
    """Store an output; the SHA-256 of what was sent, hexadecimal. Raises OutputError."""
    try:
        return retrying(lambda: _store(output, service, terms), terms)
    except TransferError as error:
        raise OutputNetworkError(output.shown, error.where, error.detail) from error


def _store(output: Output, service: Service, terms: Terms) -> str:
    url, headers = _link(output, service, terms)
    output.file.seek(0)
    with Digest() as digest:
        sending = _Sending(output, digest, terms)
        with wire.ask("PUT", url, headers, terms.pace, wire.Body(output.size, sending.chunks())) as reply:
            _check(output, reply)
        if sending.size != output.size:
            raise TransferError(reply.where, "it answered before everything was sent")
        return digest.hexdigest()


def _link(output: Output, service: Service, terms: Terms) -> Tuple[str, Dict[str, str]]:
    """Where to put an output, and with which headers."""
    request: Dict[str, Any] = {"size": output.size, "headers": True}
    if output.name:
        request["name"] = output.name
    if output.sha256:
        request["checksum"] = output.sha256
    body = json.dumps(request).encode()
    headers = {"Authorization": f"Bearer {service.token}", "Content-Type": "application/json"}
    with wire.ask(
        "POST", f"{service.url}{service.path}", headers, terms.pace, wire.Body(len(body), iter([body]))
    ) as reply:
        _check(output, reply)
        answer = decoded(text(reply))
    url, more = answer.get("url"), answer.get("headers") or {}
    if not (is_link(url) and _are_headers(more)):
        raise TransferError(reply.where, "its answer is no link")
    return str(url), more


class _Sending:
    """The bytes of one try, digested on their way."""

    def __init__(self, output: Output, digest: Digest, terms: Terms) -> None:
        self.size = 0
        self._output = output
        self._digest = digest
        self._terms = terms

    def chunks(self) -> Iterator[bytes]:
        """As many bytes as were announced. Raises OutputRefusedError where there are fewer."""
        while self.size < self._output.size:
            self._terms.check()
            data = self._read(min(CHUNK, self._output.size - self.size))
            self._digest.update(data)
            self.size += len(data)
            yield data
            self._terms.moved(self.size, self._output.size)

    def _read(self, count: int) -> bytes:
        try:
            data = self._output.file.read(count)
        except OSError as error:  # which is not one of the network
            raise OutputRefusedError(self._output.shown, f"it cannot be read: {error.strerror or error}") from error
        if not data:
            raise OutputRefusedError(self._output.shown, "it became shorter while it was stored")
        return data


def _check(output: Output, reply: wire.Reply) -> None:
    """Raise TransferError or OutputNotStoredError for an answer that is no success."""
    if 200 <= reply.status < 300:
        return
    raise reply.passing() or OutputNotStoredError(output.shown, reply.status, sentence(text(reply)))


def text(reply: wire.Reply, most: int = _LONGEST_ANSWER) -> str:
    """The body of an answer, up to ``most`` bytes of it. Raises what the network does."""
    data = bytearray()
    while len(data) < most and (more := reply.read(most - len(data))):
        data += more
    return data.decode("utf-8", "replace")


def sentence(body: str) -> str:
    """What an error's body has to say to people: the service writes JSON, S3 writes XML."""
    said = decoded(body).get("error")
    if isinstance(said, str) and said:
        return said
    match = _XML_SENTENCE.search(body)
    return match.group(1) if match else "the store gave no reason"


def decoded(body: str) -> Dict[str, Any]:
    """The JSON object of a body, empty where it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def is_link(value: object) -> bool:
    """Whether a part of the service's answer is an address to send to or to fetch from."""
    return isinstance(value, str) and value.startswith(("http://", "https://")) and is_address(value)


def _are_headers(value: object) -> bool:
    return isinstance(value, dict) and all(
        _HEADER_NAME.fullmatch(name) and isinstance(text, str) and _HEADER_VALUE.fullmatch(text)
        for name, text in value.items()
    )
