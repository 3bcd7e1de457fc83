"""Folders for embedded servers."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_place() -> Generator[Path]:
    """Give a new folder, and remove it in the end.

    It does not lie in pytest's own: at each start, under root, pytest closes that one again to everybody else,
    and so to the system user that a server of another run works as.
    """
    with tempfile.TemporaryDirectory(prefix="fostr-place-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
