"""Ports for servers that have to be told one."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress
from typing import Final

LOWEST: Final = 20_000
COUNT: Final = 10_000


def choose_port() -> int:
    """Return a port of this machine that is free, and stays so until it is used.

    The system chooses from higher ones for whoever asks for any port, and for connections: one of those may be gone by
    the time that a server binds it.
    """
    while True:
        port = LOWEST + secrets.randbelow(COUNT)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
