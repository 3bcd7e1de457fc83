"""Finished tiles and clusters, kept by the very question that they answer.

The key holds the SQL with the values of its parameters (in which stand the caller's rights, their row rules and
filters), the fields that are shown, the rights epoch of the workspace and the version of the layer. Who may see other
records, or other fields, asks another question: nothing is ever found by one caller that was made for another's eyes.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable

MOST_BYTES: Final = 64 * 1024 * 1024
SECONDS: Final = 300.0
"""How long an answer is kept at most."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent, and the tag by which a client knows whether it has it already."""

    content: bytes
    tag: str

    @classmethod
    def of(cls, content: bytes) -> Answer:
        """Return an answer with the tag of its content."""
        return cls(content, hashlib.sha256(content).hexdigest()[:32])


class AnswerCache:
    """The answers that were used last, up to so many bytes."""

    def __init__(self, *, most_bytes: int) -> None:
        """Keep that much."""
        self._most = most_bytes
        self._size = 0
        self._kept: OrderedDict[Hashable, tuple[float, Answer]] = OrderedDict()

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return self._size

    def find(self, key: Hashable) -> Answer | None:
        """Return the answer to a question, if it is kept."""
        entry = self._kept.get(key)
        if entry is None:
            return None
        if time.monotonic() - entry[0] > SECONDS:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return entry[1]

    def keep(self, key: Hashable, answer: Answer) -> None:
        """Remember an answer."""
        if key in self._kept:
            self._drop(key)
        self._kept[key] = (time.monotonic(), answer)
        self._size += _size_of(answer)
        while self._size > self._most and self._kept:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        self._size -= _size_of(self._kept.pop(key)[1])


def _size_of(answer: Answer) -> int:
    # The key and the entry around it take about as much as this.
    return len(answer.content) + 500
