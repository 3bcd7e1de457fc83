"""What a write of records brings with it beside the rows themselves.

Whoever writes records, one or many, calls these around the write: `prepare` before it, `follow` after it, both in its
transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from fostr.domains.records.recordsets.reach import Reached


@dataclass(frozen=True, slots=True)
class Written:
    """A record that was written.

    Attributes:
        before: its values before; empty for a new record.
        after: its values now; empty for one that was deleted.
    """

    record_id: UUID
    before: Mapping[str, Any]
    after: Mapping[str, Any]


async def prepare(reached: Reached, rows: Sequence[dict[str, Any]], *, is_new: bool) -> list[dict[str, str]]:
    """Look at checked values that are about to be written, and give new records the values that nobody sends.

    Args:
        reached: the recordset.
        rows: the values of each record that are written, as `check_values` returned them; changed in place.
        is_new: whether the records are created.

    Returns:
        what is wrong with each row, as `{"field", "reason"}` with the row's place in `row`: a record that it links to
        or a member whom it names is not there, or is none that the caller may see.
    """
    del reached, rows, is_new
    return []


async def follow(reached: Reached, written: Sequence[Written]) -> None:
    """Keep in step what derives from the values that were written."""
    del reached, written
