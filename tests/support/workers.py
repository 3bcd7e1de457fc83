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
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                },
            )

    def kill(self) -> None:
        """Kill it as the kernel kills what takes too much memory."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it whatever state it is in."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
