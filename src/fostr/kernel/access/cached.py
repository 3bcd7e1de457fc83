"""What a process remembers about the things that callers reach, for as long as nobody's rights on them change."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

Value = TypeVar("Value")


class EpochCache(Generic[Value]):
    """Values that hold for one epoch of a workspace's rights.

    The epoch comes with every caller from the database, and each write that changes rights, or what is kept here,
    counts it up in its own transaction (`bump_rights_epoch`). So a value of the caller's epoch is never out of date,
    in whichever process it was written, and one of another epoch is never used.

    What is read after a transaction has written may be undone with it, and must not be kept.
    """

    def __init__(self, *, most: int) -> None:
        """Keep the `most` values that were used last."""
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[int, Value]] = OrderedDict()

    def find(self, key: Hashable, *, epoch: int) -> Value | None:
        """Return the value of a key if it is of this epoch."""
        entry = self._kept.get(key)
        if entry is None or entry[0] != epoch:
            return None
        self._kept.move_to_end(key)
        return entry[1]

    def keep(self, key: Hashable, value: Value, *, epoch: int) -> None:
        """Remember a value that was read after the epoch was."""
        self._kept[key] = (epoch, value)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
