"""Processes that the bench starts: they end with it, and their memory is watched."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import psutil

from fostr.kernel.db.embedded import find_programs
from fostr.kernel.process import end_with_parent
from fostr.supervisor.listening import LISTENER_VARIABLE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from pathlib import Path

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0
SAMPLE_SECONDS: Final = 0.02


class ProcessFailed(Exception):
    """A process did not do what the bench needs of it; the text holds what it said."""


class Process:
    """A process in a group of its own, with what it says in a file."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        said: Path,
        environment: Mapping[str, str],
        listener: socket.socket | None = None,
    ) -> None:
        """Start it."""
        self.said = said
        descriptors = [] if listener is None else [listener.fileno()]
        handed = {} if listener is None else {LISTENER_VARIABLE: str(listener.fileno())}
        with said.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment, **handed},
                pass_fds=descriptors,
                process_group=0,
                preexec_fn=end_with_parent(signal.SIGKILL, parent=os.getpid()),  # noqa: PLW1509 - made to run there
            )
        self.port = 0 if listener is None else int(listener.getsockname()[1])

    @property
    def id(self) -> int:
        """The process's number."""
        return self._process.pid

    def check_alive(self) -> None:
        """Raise when it has ended."""
        if self._process.poll() is not None:
            raise ProcessFailed(f"It ended with {self._process.returncode}.\n{self.said.read_text()[-3000:]}")

    def stop(self) -> None:
        """Ask it to end, and end it when that takes too long."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()


def open_port() -> socket.socket:
    """Return a socket that listens on a free port of this machine; requests wait in it until a process takes them."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    return listener


def start_server(command: Sequence[str], *, said: Path, environment: Mapping[str, str]) -> Process:
    """Start a process that serves the socket that it is handed."""
    with open_port() as listener:
        return Process(command, said=said, environment=environment, listener=listener)


async def await_answer(process: Process, path: str, *, status: str = "200") -> None:
    """Return when a server answers a request with a status."""
    deadline = time.monotonic() + START_SECONDS
    while not await answers(process.port, path, status=status):
        process.check_alive()
        if time.monotonic() > deadline:
            raise ProcessFailed(f"It does not answer.\n{process.said.read_text()[-3000:]}")
        await asyncio.sleep(0.01)


async def answers(port: int, path: str, *, status: str = "200") -> bool:
    """Say whether the server on a port answers a request with a status."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return (await reader.readline()).startswith(f"HTTP/1.1 {status}".encode())
        finally:
            writer.close()
    except OSError:
        return False


class Memory:
    """The most resident memory that a process was seen with, in MB."""

    def __init__(self, process: Process) -> None:
        """Begin with what it has now."""
        self._process = psutil.Process(process.id)
        self.first = self.peak = self._now()

    def _now(self) -> float:
        return self._process.memory_info().rss / 1024**2

    def look(self) -> None:
        """Take note of what it has now."""
        self.peak = max(self.peak, self._now())


@asynccontextmanager
async def watch_memory(*processes: Process) -> AsyncGenerator[list[Memory]]:
    """Look at the memory of processes every few milliseconds while the block runs."""
    watched = [Memory(process) for process in processes]

    async def look() -> None:
        while True:
            for memory in watched:
                memory.look()
            await asyncio.sleep(SAMPLE_SECONDS)

    looking = asyncio.create_task(look())
    try:
        yield watched
    finally:
        looking.cancel()


async def time_psql(url: str, statement: str) -> float:
    """Return the seconds that psql takes to run a statement, with its start; what it prints goes nowhere."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        find_programs() / "psql",
        *("--no-psqlrc", "--quiet", "--dbname", url, "--command", statement),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    if process.returncode != 0:
        raise ProcessFailed(said.decode())
    return time.perf_counter() - started
