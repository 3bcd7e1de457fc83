"""The address that the API listens on. Under `fostr up` the supervisor takes it, and hands it to the API.

So a port in use is known at once, and while the API is started again, requests wait instead of being refused.
"""

import errno
import os
import socket
import time
from typing import Any, Final

from fostr.settings import EVERY_ADDRESS, Settings
from fostr.supervisor.child import LISTENER_VARIABLE

WAITING: Final = 2048
"""Connections that may wait to be taken."""

PREDECESSOR_SECONDS: Final = 1.0
"""How long a killed predecessor may take to let go of the port."""


class CannotListen(Exception):
    """The address cannot be listened on; the text says why and what to do."""


def open_listener(settings: Settings) -> socket.socket:
    """Return a socket that listens on the address of the settings: the one that we were handed, or a new one."""
    if (handed := os.environ.pop(LISTENER_VARIABLE, None)) is not None:
        listener = socket.socket(fileno=int(handed))
        listener.set_inheritable(False)
        return listener
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise CannotListen(f"FOSTR_HOST={settings.host} is no address: {error.strerror}.") from error
    family, _, _, _, address = found[0]
    deadline = time.monotonic() + PREDECESSOR_SECONDS
    while True:
        try:
            return _listen(family, address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise CannotListen(_explain(error, settings)) from error
        time.sleep(0.05)


def _listen(family: socket.AddressFamily, address: tuple[Any, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(WAITING)
    except OSError:
        listener.close()
        raise
    return listener


def _explain(error: OSError, settings: Settings) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {settings.port} is in use by another program. Stop that one, or choose another port: "
            f"FOSTR_PORT={settings.port + 1}."
        )
    if error.errno == errno.EACCES:
        return f"Port {settings.port} is for root alone. Choose one from 1024 up: FOSTR_PORT=8000."
    return f"Fostr cannot listen on {settings.host}, port {settings.port}: {error.strerror}."


def listening_port(listener: socket.socket) -> int:
    """Return the port that the listener has, also where any was asked for."""
    return int(listener.getsockname()[1])


def near_address(listener: socket.socket) -> tuple[str, int]:
    """Return the host and port by which this machine itself reaches the listener."""
    host = str(listener.getsockname()[0])
    if host in EVERY_ADDRESS:
        host = "::1" if listener.family == socket.AF_INET6 else "127.0.0.1"
    return host, listening_port(listener)
