"""Versions of layers: whether anything about a recordset's records has changed since it was last looked at.

Nobody counts when records are written: that would make writers wait for each other. Every write leaves an event in the
outbox, in its own transaction; so one look at the events of transactions that were not over the last time tells whether
there was one. What bulk jobs write in several transactions shows with the event at their end.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

from fostr.domains.records.map import repository

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.records.fields.model import Recordset
    from fostr.kernel.db.unit import Unit

MOST_LAYERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class _Seen:
    """A version of a layer, and up to where the log of events was settled when it was the present one."""

    version: int
    settled: int


_versions: Final = count(1)
_seen: Final[OrderedDict[tuple[UUID | None, UUID, bool], _Seen]] = OrderedDict()


async def find_version(unit: Unit, recordset: Recordset) -> int:
    """Return the version of a recordset's layer in this process; what is read after this is of it, or newer.

    Where fields are computed, a change of any recordset's records counts.
    """
    counts_all = any(field.computed is not None for field in recordset.fields)
    key = (unit.workspace, recordset.id, counts_all)
    before = _seen.get(key)
    looked = await repository.look_for_changes(
        unit, recordset.id, since=before.settled if before else None, in_any=counts_all
    )
    version = next(_versions) if before is None or looked.has_changed else before.version
    # Somebody else may have looked meanwhile, and found a newer one.
    if _seen.get(key) is before:
        _seen[key] = _Seen(version, looked.settled)
        _seen.move_to_end(key)
        if len(_seen) > MOST_LAYERS:
            _seen.popitem(last=False)
    return version
