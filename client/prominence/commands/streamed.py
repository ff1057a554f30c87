"""Following a job's output as the service sends it, over lost connections, until the job has ended."""

from __future__ import annotations

from prominence.client import Client
from prominence.console import Console
from prominence.errors import Refused, Unavailable, UnexpectedAnswer, Unreachable

ATTEMPTS = 8
"""Connections in a row that bring nothing, after which following is given up."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between two of them."""


def follow_stream(client: Client, job_id: int, stream: str, console: Console) -> bool:
    """Print the stream until the job has ended; False, with nothing printed, where the service does not send it so.

    Raises Unavailable or Unreachable when the service stays out of reach.
    """
    place, idle = "", 0
    while True:
        try:
            for piece in client.follow(job_id, stream, place):
                console.write(piece.data)
                if piece.restarted:
                    console.note(f"Job {job_id} was started again: its output begins anew.")
                if piece.status is not None:
                    return True
                place, idle = piece.place or place, 0
        except (Refused, UnexpectedAnswer):
            if place:
                raise
            return False
        except (Unavailable, Unreachable) as error:
            if not place and isinstance(error, Unavailable):
                return False
            if idle + 1 >= ATTEMPTS:
                raise
        console.sleep(min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**idle))
        idle += 1
