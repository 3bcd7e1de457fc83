"""The statements that find the records which rows are about, and those and the members whom they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fostr.domains.records.fields.shaping import LONGEST_PROMOTED_TEXT
from fostr.domains.records.query.filters import expression

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.domains.records.imports.merging.rules import Key
    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit

_ARRAYS: Final = {"text": "text[]", "number": "double precision[]", "time": "timestamptz[]", "boolean": "boolean[]"}


@dataclass(frozen=True, slots=True)
class Holders:
    """What has a key.

    Attributes:
        record_id: a record that has it.
        count: how many there are.
    """

    record_id: UUID
    count: int


async def find_by_keys(
    unit: Unit, recordset: Recordset, condition: Fragment, *, fields: Sequence[str], keys: Sequence[Key]
) -> dict[Key, Holders]:
    """Return which of the records `r` that meet a condition have each of some keys; keys of none are left out.

    However many records have a key, no more than one of them travels: who matches by a field that tells nothing apart
    learns so at the cost of a count.
    """
    if not keys:
        return {}
    entries = [recordset.by_key[name] for name in fields]
    names = [f"key_{place}" for place in range(len(entries))]
    arrays = ", ".join(f":{name}::{_ARRAYS[entry.kind]}" for name, entry in zip(names, entries, strict=True))
    equal = " and ".join(_equals(entry, f"k.{name}") for name, entry in zip(names, entries, strict=True))
    # An id is aggregated as text: older PostgreSQL has no least uuid.
    rows = await unit.rows(
        f"""
        select k.place, min(r.id::text)::uuid as id, count(*) as count
        from unnest({arrays}) with ordinality as k ({", ".join(names)}, place)
        join records r on r.workspace_id = :workspace and {equal}
        where {condition.text}
        group by k.place
        """,
        **condition.params,
        **{name: [key[place] for key in keys] for place, name in enumerate(names)},
    )
    found: dict[Key, Holders] = {}
    for row in rows:
        place: int = row["place"] - 1
        found[keys[place]] = Holders(row["id"], row["count"])
    return found


def _equals(entry: Field, key: str) -> str:
    left = expression(entry)
    if entry.kind != "text" or entry.promoted_to is None:
        return f"{left} = {key}"
    whole = f"(length({key}) < {LONGEST_PROMOTED_TEXT} or (r.field_values->>'{entry.key}') = {key})"
    return f"{left} = left({key}, {LONGEST_PROMOTED_TEXT}) and {whole}"


async def list_named_members(unit: Unit, names: Sequence[str]) -> list[tuple[UUID, str]]:
    """Return the members who are called by some names in small letters: their ids, addresses or full names."""
    rows = await unit.rows(
        """
        select m.id, n.name from members m
        cross join lateral (
            values (m.id::text), (lower(m.email)), (lower(m.full_name)), (lower(m.display_name))
        ) as n (name)
        where m.workspace_id = :workspace and m.status <> 'removed' and n.name = any(:names::text[])
        """,
        names=list(names),
    )
    return [(row["id"], row["name"]) for row in rows]


async def list_titled(
    unit: Unit, condition: Fragment, *, ids: Sequence[UUID], titles: Sequence[str]
) -> list[tuple[UUID, str]]:
    """Return which of the records `r` that meet a condition have some ids or titles, and by what they were named."""
    rows = await unit.rows(
        f"""
        select r.id, r.id::text as name from records r where {condition.text} and r.id = any(:named_ids::uuid[])
        union all
        select r.id, r.title from records r where {condition.text} and r.title = any(:named_titles::text[])
        """,
        named_ids=list(ids),
        named_titles=list(titles),
        **condition.params,
    )
    return [(row["id"], row["name"]) for row in rows]
