"""A worker in a process of its own, to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from fostr.kernel.runtime import Runtime


class Worker:
    """A worker in a process of its own, on the database and the files of the tests."""

    def __init__(self, runtime: Runtime, said: Path) -> None:
        """Start it; what it says goes into a file."""
        self.said = said
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FOSTR_")}
        with said.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fostr", "worker"],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={
                    **kept,
                    "FOSTR_DATA": str(runtime.settings.data),
                    "FOSTR_APP_DATABASE_URL": runtime.database.url,
                    "FOSTR_ALLOW_PRIVATE_ADDRESSES": str(runtime.settings.allow_private_addresses),
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                },
            )

    def hold(self) -> None:
        """Stop its clockwork, wherever it stands: what is looked at meanwhile does not run away."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def go_on(self) -> None:
        """Let it work again."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it as the kernel kills what takes too much memory."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it whatever state it is in."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
