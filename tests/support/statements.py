"""Which statements something takes."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fostr.kernel.db.unit import observe_statements

if TYPE_CHECKING:
    from collections.abc import Generator
    from uuid import UUID


@contextmanager
def watch_statements(*, workspace: UUID | None = None) -> Generator[list[str]]:
    """Collect the statements that are begun inside the block, or those of them that are in a workspace.

    What a live server does meanwhile, in the thread that it has, is not among them.
    """
    thread, seen = threading.get_ident(), list[str]()

    def note(text: str, of: UUID | None) -> None:
        if threading.get_ident() == thread and (workspace is None or of == workspace):
            seen.append(text)

    end = observe_statements(note)
    try:
        yield seen
    finally:
        end()
