"""What the tests of requests to running jobs share: a container of the kernel's own making, and an I/O proxy over a folder."""

from __future__ import annotations

import os
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from worker.running import Container, Running

# A container without a runtime: namespaces as the runtime makes them, and the job's home directory in them. The outer shell
# stands for the runtime's process above the container.
_CONTAINER = """
mount -t tmpfs tmpfs /home && mkdir /home/user && cd /home/user && {command} & task=$!
echo up > {ready}
wait $task
"""


@contextmanager
def container(folder: Path, command: str = "sleep 300", **environ: str) -> Iterator[Container]:
    """A running container whose task is a shell command, as `Running` finds it."""
    ready = folder / "ready"
    os.mkfifo(ready)
    namespaces = ["--user", "--map-root-user", "--mount", "--pid", "--mount-proc", "--ipc", "--uts", "--fork"]
    script = _CONTAINER.format(command=command, ready=ready)
    runtime = subprocess.Popen(
        ["unshare", *namespaces, "--kill-child", "sh", "-c", script], env={"PATH": os.defpath, **environ}
    )
    try:
        ready.read_text()
        running = Running()
        with running.task({"GIVEN": "by the task"}):
            running.started(runtime.pid)
            yield found(running)
    finally:
        runtime.kill()
        runtime.wait(10)


def found(running: Running) -> Container:
    """The running container, waited for: its task's process starts a moment after it is up."""
    for _ in range(1000):
        made = running.container()
        if made is not None:
            return made
        threading.Event().wait(0.01)
    raise AssertionError("the container did not come up")


class ProxyServer:
    """An I/O proxy that serves the files of one folder, as the starter's does; what was asked is in `asked`."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.broken = False
        self.attributes: dict[str, str] = {}
        served, outer = folder, self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                files: dict[int, Path] = {}
                while line := self.rfile.readline():
                    outer.asked.append(line.decode().strip())
                    if outer.broken:
                        return
                    self.wfile.write(self.answer(files, line.decode().split()))

            def answer(self, files: dict[int, Path], words: list[str]) -> bytes:
                try:
                    return getattr(self, f"do_{words[0]}")(files, *words[1:])  # type: ignore[no-any-return]
                except FileNotFoundError:
                    return b"-3\n"

            def do_cookie(self, _files: dict[int, Path], cookie: str) -> bytes:
                return b"0\n" if cookie == "secret" else b"-1\n"

            def do_lookup(self, _files: dict[int, Path], name: str) -> bytes:
                return f"{len(name)}\n{name}".encode()

            def do_open(self, files: dict[int, Path], name: str, _flags: str, _mode: str) -> bytes:
                (served / name).write_bytes(b"")
                handle = len(files) + 3
                files[handle] = served / name
                return f"{handle}\n".encode() + status(served / name)

            def do_stat(self, _files: dict[int, Path], name: str) -> bytes:
                return b"0\n" + status(served / name)

            def do_putfile(self, _files: dict[int, Path], name: str, _mode: str, length: str) -> bytes:
                (served / name).touch()
                if int(length):
                    self.wfile.write(b"0\n")
                    (served / name).write_bytes(self.rfile.read(int(length)))
                return b"0\n"

            def do_getfile(self, _files: dict[int, Path], name: str) -> bytes:
                data = (served / name).read_bytes()
                return f"{len(data)}\n".encode() + data

            def do_pwrite(self, files: dict[int, Path], handle: str, length: str, offset: str) -> bytes:
                with files[int(handle)].open("r+b") as file:
                    file.seek(int(offset))
                    file.write(self.rfile.read(int(length)))
                return f"{length}\n".encode()

            def do_get_job_attr(self, _files: dict[int, Path], name: str) -> bytes:
                value = outer.attributes.get(name, "UNDEFINED")
                return f"{len(value)}\n{value}".encode()

            def do_rename(self, _files: dict[int, Path], name: str, target: str) -> bytes:
                (served / name).rename(served / target)
                return b"0\n"

            def do_getdir(self, _files: dict[int, Path], name: str) -> bytes:
                data = "".join(f"{path.name}\n" for path in (served / name).iterdir()).encode()
                return f"{len(data)}\n".encode() + data

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.config = f"127.0.0.1 {self.server.server_address[1]} secret\n"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


def status(path: Path) -> bytes:
    """A file as the proxy tells of it."""
    found = path.stat()
    return f"1 {found.st_ino} 33152 1 0 0 0 {found.st_size} 4096 8 0 {int(found.st_mtime)} 0\n".encode()


@contextmanager
def proxy(folder: Path) -> Iterator[ProxyServer]:
    """An I/O proxy over a folder."""
    made = ProxyServer(folder)
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
