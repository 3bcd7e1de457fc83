"""Ids of records in arrays, sixteen bytes each: put in order, and written as JSON without a string for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np

if TYPE_CHECKING:
    from fostr.domains.records.spatial.places import Ids

_DIGITS: Final = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.uint8).reshape(256, 2)
_GROUPS: Final = ((1, 0, 8), (10, 8, 12), (15, 12, 16), (20, 16, 20), (25, 20, 32))
"""Where each group of digits stands in a quoted id, and which digits it has."""
_TEMPLATE: Final = np.frombuffer(b'"00000000-0000-0000-0000-000000000000",', np.uint8)


def sort_ids(ids: Ids) -> Ids:
    """Return ids in rising order."""
    halves = np.ascontiguousarray(ids).view(">u8").reshape(-1, 2)
    return ids[np.lexsort((halves[:, 1], halves[:, 0]))]


def count_through(ids: Ids, last: UUID) -> int:
    """Return how many of some sorted ids are at most another."""
    high, low = divmod(last.int, 1 << 64)
    halves = np.ascontiguousarray(ids).view(">u8").reshape(-1, 2)
    first, end = (int(np.searchsorted(halves[:, 0], np.uint64(high), side=side)) for side in ("left", "right"))
    return first + int(np.searchsorted(halves[first:end, 1], np.uint64(low), side="right"))


def write_ids(ids: Ids) -> bytes:
    """Return ids as they stand between the brackets of a JSON array."""
    digits = _DIGITS[ids].reshape(len(ids), 32)
    text = np.tile(_TEMPLATE, (len(ids), 1))
    for place, begin, end in _GROUPS:
        text[:, place : place + end - begin] = digits[:, begin:end]
    return text.tobytes()[:-1]
