"""Whether something that speaks HTTP answers."""

from __future__ import annotations

import http.client
import time


def answers(address: str, port: int) -> bool:
    """Whether a request is answered, however. That a port is open says little: a process that ends may hold it for a while."""
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def wait_until_it_answers(address: str, port: int, seconds: float) -> None:
    """Returns when it does. Raises TimeoutError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not answers(address, port):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{address}:{port} does not answer")
        time.sleep(0.05)
