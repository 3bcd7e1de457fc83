"""Processes that must not outlive the one that started them."""

import ctypes
import os
import sys
from collections.abc import Callable
from typing import Final

PR_SET_PDEATHSIG: Final = 1


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
