"""Processes: tied to the one that started them, sparing with the garbage collector, and free to open many sockets."""

import ctypes
import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

if sys.platform != "win32":
    import resource

PR_SET_PDEATHSIG: Final = 1
YOUNG_OBJECTS: Final = 20_000
"""How many new objects make a round of the collector, which looks for cycles only; Python's own choice is 700."""


def spare_collector() -> None:
    """Have the collector leave alone what the process holds by now, and look less often at the rest.

    To be called once all modules and routes are there: they live as long as the process, and every full round of the
    collector would walk them again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)


def allow_sockets() -> None:
    """Let the process open as many files and sockets as it may; what systems allow at first is often 1024."""
    if sys.platform == "win32":
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def end_with_parent(signal_number: int, *, parent: int) -> Callable[[], None]:
    """Return an action that ties the process that runs it to its parent; elsewhere than on Linux it is empty.

    The kernel sends the signal as soon as the thread that started the process is gone, even by SIGKILL. The
    action may run between fork and exec: all that it needs is loaded here. It must run after a change of
    user, which undoes the tie.

    Args:
        signal_number: what the process is sent.
        parent: id of the parent; where that one has gone already, the process ends at once.
    """
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return tie
