"""A wall around a machine: it can connect to some addresses outside, and nobody can connect to it.

`wall.py FOLDER ADDRESS:PORT... -- COMMAND...` becomes COMMAND, in a network namespace of its own. There those addresses are
its own, and what connects to them is passed on, through sockets in FOLDER, to whoever has them outside.
"""

import asyncio
import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

_NEW_NETWORK = 0x40000000
_PIECE = 65536

_Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_There = Callable[[], Awaitable[_Ends]]


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
    writer.write_eof()


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, there: _There) -> None:
    """Connects what has come in with what is `there`, until both sides have said all."""
    try:
        far_reader, far_writer = await there()
        both = _pass_on(reader, far_writer), _pass_on(far_reader, writer)
        await asyncio.gather(*both, return_exceptions=True)
        far_writer.close()
    except OSError:
        """Nobody is there: whoever came is told so by the end of the connection."""
    writer.close()


async def _serve(leader: int, listeners: Sequence[tuple[socket.socket, _There]]) -> None:
    """Passes on what comes to the listeners, for as long as the process `leader` lives."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(leader, ended.set)
    for listener, there in listeners:

        async def join(near: asyncio.StreamReader, out: asyncio.StreamWriter, there: _There = there) -> None:
            await _join(near, out, there)

        # Keeps its server alive by the loop.
        await asyncio.start_server(join, sock=listener)
    await ended.wait()


def _apart(listeners: Sequence[tuple[socket.socket, _There]]) -> None:
    """Serves in a process that is no child of this one, and ends with it."""
    leader = os.pidfd_open(os.getpid())
    if child := os.fork():
        os.waitpid(child, 0)
        return
    if os.fork() == 0:
        asyncio.run(_serve(leader, listeners))
    os._exit(0)


def _listener(family: socket.AddressFamily, address: str | tuple[str, int]) -> socket.socket:
    made = socket.socket(family)
    made.bind(address)
    made.listen(100)
    return made


def main(folder: Path, ways: Sequence[str], command: Sequence[str]) -> None:
    """Builds the wall, and becomes the command."""
    addresses = [(way.rpartition(":")[0], int(way.rpartition(":")[2])) for way in ways]
    paths = [str(folder / f"way-{number}") for number, _ in enumerate(addresses)]
    for path in paths:
        Path(path).unlink(missing_ok=True)

    def outside(address: tuple[str, int]) -> _There:
        return lambda: asyncio.open_connection(*address)

    def through(path: str) -> _There:
        return lambda: asyncio.open_unix_connection(path)

    _apart(
        [(_listener(socket.AF_UNIX, path), outside(address)) for path, address in zip(paths, addresses, strict=True)]
    )
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "there is no network namespace to be had")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)
    _apart(
        [(_listener(socket.AF_INET, address), through(path)) for path, address in zip(paths, addresses, strict=True)]
    )
    os.execvp(command[0], list(command))


if __name__ == "__main__":
    border = sys.argv.index("--")
    main(Path(sys.argv[1]), sys.argv[2:border], sys.argv[border + 1 :])
