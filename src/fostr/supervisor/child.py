"""A process that the supervisor keeps, and the line between them.

The child is started before the supervisor knows much, so that its imports take place meanwhile. Then it is
told over a socket that the two share: what to add to its environment, with the descriptors that belong to
it; and later that the database is ready. The end of that socket says that the supervisor is gone, by
whatever death, and the child ends too. (On Linux the kernel sees to that as well, even while the child is
busy.)
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Final

from fostr.kernel.process import end_with_parent

SUPERVISOR_VARIABLE: Final = "FOSTR_SUPERVISOR"
"""Names the supervisor's process and the shared socket, in the child's environment: `process:descriptor`."""

LISTENER_VARIABLE: Final = "FOSTR_LISTENER"
"""Names the listening socket that a process was handed, in its environment."""

READY: Final = b"."


class Child:
    """One process of the installation, started as often as whoever keeps it likes."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        """Describe the process; nothing happens yet."""
        self.name = name
        self.ended = asyncio.Event()
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def start(self) -> None:
        """Start the process, in a group of its own: Ctrl-C on a terminal reaches the supervisor alone."""
        self._hang_up()
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                env={**os.environ, SUPERVISOR_VARIABLE: f"{os.getpid()}:{theirs.fileno()}"},
                pass_fds=(theirs.fileno(),),
                process_group=0,
            )
        self.ended.clear()

    def instruct(self, environment: Mapping[str, str], *, listener: socket.socket | None = None) -> None:
        """Tell the process what to add to its environment, and hand it the listening socket if it listens."""
        self._tell(json.dumps(dict(environment)).encode() + b"\n", [listener.fileno()] if listener else [])

    def release(self) -> None:
        """Tell the process that the database is ready."""
        self._tell(READY, [])

    def _tell(self, message: bytes, descriptors: list[int]) -> None:
        # One that has ended already is noticed by its end.
        if self._line is not None:
            with contextlib.suppress(ConnectionError):
                socket.send_fds(self._line, [message], descriptors)

    def check(self) -> None:
        """Set `ended` when the process has."""
        if self._process is not None and self._process.poll() is not None:
            self.ended.set()

    @property
    def succeeded(self) -> bool:
        """Whether the process has ended well."""
        return self._process is not None and self._process.returncode == 0

    @property
    def ending(self) -> str:
        """How the process ended, in words."""
        code = self._process.returncode if self._process else None
        if code is not None and code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    async def stop(self, *, seconds: float, hurry: asyncio.Event) -> None:
        """Ask the process to finish what it is doing; end it after that time, or when there is a hurry."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            waits = [asyncio.ensure_future(event.wait()) for event in (self.ended, hurry)]
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        # Whatever it has started and left belongs to its group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


class Tie:
    """The child's end of the line."""

    def __init__(self, line: socket.socket) -> None:
        """Take the socket that the environment named."""
        self._line = line
        self._rest = b""

    def await_instructions(self) -> None:
        """Add to the environment what the supervisor says."""
        text = b""
        while b"\n" not in text:
            received, descriptors, _, _ = socket.recv_fds(self._line, 65536, 1)
            if not received:
                sys.exit(1)
            text += received
            for descriptor in descriptors:
                os.environ[LISTENER_VARIABLE] = str(descriptor)
        line, _, self._rest = text.partition(b"\n")
        os.environ.update(json.loads(line))

    def await_database(self) -> None:
        """Return when the database is ready; from then on, end when the supervisor ends."""
        if not self._rest and not self._line.recv(1):
            sys.exit(1)
        threading.Thread(target=self._end_with_supervisor, name="supervisor", daemon=True).start()

    def _end_with_supervisor(self) -> None:
        while self._line.recv(1):
            pass
        os._exit(1)


def tie_to_supervisor() -> Tie | None:
    """Make this process end with the supervisor that started it; None when it was started by hand."""
    value = os.environ.pop(SUPERVISOR_VARIABLE, None)
    if value is None:
        return None
    parent, _, descriptor = value.partition(":")
    end_with_parent(signal.SIGKILL, parent=int(parent))()
    line = socket.socket(fileno=int(descriptor))
    line.set_inheritable(False)
    return Tie(line)
