"""What a write of records brings with it beside the rows themselves.

Whoever writes records, one or many, calls these around the write: `prepare` before it, `follow` after it, both in its
transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fostr.domains.records.attachments.following import find_faults, follow_attachments
from fostr.domains.records.fields.members import find_strangers
from fostr.domains.records.fields.shaping import fill_defaults
from fostr.domains.records.links.service import check_links, follow_links
from fostr.domains.records.numbering.service import assign_numbers

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


async def prepare(
    reached: Reached,
    rows: Sequence[dict[str, Any]],
    *,
    is_new: bool,
    before: Sequence[Mapping[str, Any]] | None = None,
) -> list[dict[str, str]]:
    """Look at checked values that are about to be written, and give new records the values that nobody sends.

    Args:
        reached: the recordset.
        rows: the values of each record that are written, as `check_values` returned them; changed in place.
        is_new: whether the records are created.
        before: the values that each record has by now, where there are some: what it names and the caller may not see
            stays named.

    Returns:
        what is wrong with each row, as `{"field", "reason"}` with the row's place, from 0, in `row`: a record that it
        links to or a member whom it names is not there, or is none that the caller may see.
    """
    unit, recordset = reached.unit, reached.recordset
    if is_new:
        fill_defaults(recordset, rows)
        await assign_numbers(unit, recordset, rows)
    return [
        *await find_strangers(unit, recordset, rows),
        *find_faults(reached, rows, is_new=is_new),
        *await check_links(reached, rows, before=before),
    ]


async def follow(reached: Reached, written: Sequence[Written]) -> None:
    """Keep in step what derives from the values that were written."""
    await follow_attachments(reached, written)
    await follow_links(reached, written)
