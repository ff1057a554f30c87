"""Clients that submit one job after the other, with and without an idempotency key, and note every answer."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType

import requests

from tests.pool.conftest import User
from tests.pool.disaster import waiting

_PATIENCE = 60.0
"""Seconds after which a client gives up a job that is still answered with 503."""


@dataclass
class Load:
    """Submissions from one thread for each user, from `__enter__` to `__exit__`.

    A job is named by its key, or by what would be its key. A 503 with a key is tried again until it is a 201, also after
    the end was asked for; one without a key is given up.
    """

    users: list[User]
    acknowledged: dict[str, int] = field(default_factory=dict)
    """Name -> id of each 201."""
    keyed: dict[str, User] = field(default_factory=dict)
    """Name -> user of each job that was submitted with a key."""
    refused: list[requests.Response] = field(default_factory=list)
    """Each answer that was no 201, of any request."""
    failures: list[Exception] = field(default_factory=list)
    """Requests without an answer."""

    def __post_init__(self) -> None:
        self._end = threading.Event()
        # Each client writes under names of its own; single operations on dictionaries and lists need no lock.
        self._threads = [
            threading.Thread(target=self._client, args=(number, user)) for number, user in enumerate(self.users)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(2 * _PATIENCE)
            assert not thread.is_alive()

    def _client(self, number: int, user: User) -> None:
        try:
            job = 0
            while not self._end.is_set():
                self._submit(user, f"job-{number}-{job}", with_key=job % 2 == 0)
                self._read(user)
                job += 1
        except (requests.RequestException, AssertionError) as error:
            self.failures.append(error)

    def _submit(self, user: User, name: str, with_key: bool) -> None:
        headers = {"Idempotency-Key": name} if with_key else {}
        if with_key:
            self.keyed[name] = user
        deadline = time.monotonic() + _PATIENCE
        while True:
            answer = user.call("POST", "/jobs", json=waiting(name), headers=headers)
            if answer.status_code == 201:
                self.acknowledged[name] = int(answer.json()["id"])
                return
            self.refused.append(answer)
            if not with_key:
                return
            assert time.monotonic() < deadline, f"{name} is still refused: {answer.text}"
            self._end.wait(0.05)

    def _read(self, user: User) -> None:
        answer = user.call("GET", "/jobs", params={"id": "1"})
        if answer.status_code != 200:
            self.refused.append(answer)
