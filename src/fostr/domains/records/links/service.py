"""Links that fields hold: what a write may name, and what is kept in step with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from fostr.domains.records.links.repository import linking
from fostr.domains.records.links.repository.linking import Link
from fostr.domains.records.recordsets.reach import find_bare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fostr.domains.records.fields.model import Field
    from fostr.domains.records.records.effects import Written
    from fostr.domains.records.recordsets.reach import Reached


async def check_links(
    reached: Reached, rows: Sequence[dict[str, Any]], *, before: Sequence[Mapping[str, Any]] | None = None
) -> list[dict[str, str]]:
    """Say which links of some rows lead to no record that the caller may see; all rows by one statement a field.

    What a record names and the caller was not shown stays named: nobody takes away what they do not see.

    Args:
        reached: the recordset.
        rows: values that are about to be written, changed in place.
        before: the values that each row replaces.
    """
    faults: list[dict[str, str]] = []
    for field in reached.recordset.links:
        written = [place for place, row in enumerate(rows) if field.key in row]
        if written:
            faults += await _check_field(reached, field, rows, written, before)
    return faults


async def _check_field(
    reached: Reached,
    field: Field,
    rows: Sequence[dict[str, Any]],
    written: Sequence[int],
    before: Sequence[Mapping[str, Any]] | None,
) -> list[dict[str, str]]:
    named = {place: _ids(rows[place].get(field.key)) for place in written}
    held = {place: _ids(before[place].get(field.key)) if before is not None else [] for place in written}
    wanted = {record_id for ids in (*named.values(), *held.values()) for record_id in ids}
    seen = await _list_seen(reached, field, wanted)
    faults: list[dict[str, str]] = []
    for place in written:
        # An id that the record names already is nothing new, whoever may see it.
        strange = [one for one in named[place] if one not in seen and one not in held[place]]
        if strange:
            reason = f"names a record that is not there: {strange[0]}"
            faults.append({"row": str(place), "field": field.key, "reason": reason})
        unseen = [one for one in held[place] if one not in seen and one not in named[place]]
        if unseen and (field.options.get("multiple") is not False or not named[place]):
            rows[place][field.key] = [*named[place], *unseen]
    return faults


def _ids(value: Any) -> list[str]:
    return cast("list[str]", value) if isinstance(value, list) else []


async def _list_seen(reached: Reached, field: Field, ids: Iterable[str]) -> set[str]:
    """Return which of some records the caller sees in the recordset to which a link leads."""
    wanted = sorted(UUID(record_id) for record_id in ids)
    if not wanted:
        return set()
    bare = await find_bare(reached.context)(UUID(field.options["recordset"]))
    if bare is None or bare.recordset.deleted or not (bare.decide("view") and bare.decide("view_records")):
        return set()
    restriction = bare.restriction("view_records") if bare.is_restricted("view_records") else None
    found = await linking.list_linkable(reached.unit, bare.recordset.id, ids=wanted, restriction=restriction)
    return {str(record_id) for record_id in found}


async def follow_links(reached: Reached, written: Sequence[Written]) -> None:
    """Keep the table of links in step with values that were written."""
    fields = reached.recordset.links
    if not fields:
        return
    added: list[Link] = []
    removed: list[Link] = []
    for record in written:
        for field in fields:
            old, new = _ids(record.before.get(field.key)), _ids(record.after.get(field.key))
            if old == new:
                continue
            added += [Link(field.id, record.record_id, UUID(one)) for one in new if one not in old]
            removed += [Link(field.id, record.record_id, UUID(one)) for one in old if one not in new]
    if removed:
        await linking.delete_links(reached.unit, removed)
    if added:
        await linking.insert_links(reached.unit, added)
