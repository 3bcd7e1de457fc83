"""Where links lead: SQL of the linked records `r`, from within a query on other records `r`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.records.computed.parameters import Parameters
    from fostr.kernel.db.sql import Fragment

MOST_SHOWN: Final = 1_000
"""Linked records whose values a lookup shows; rollups and counts take in all of them."""


@dataclass(frozen=True, slots=True)
class Source:
    """Linked records.

    Attributes:
        rows: SQL from `from` on. The first thing in it takes what it needs of the record outside; all that follows
            sees the linked record as `r`, so that whatever is written for `records r` holds for it too.
        place: SQL of the order in which they are linked.
        is_single: whether there is one at most.
    """

    rows: str
    place: str
    is_single: bool


def linked(
    parameters: Parameters, key: str, *, target_id: UUID, restriction: Fragment | None, is_single: bool
) -> Source:
    """Return the records that a link field names, by the values themselves."""
    rows = f"""
        from (select r.field_values->'{key}' as ids) o
        cross join lateral jsonb_array_elements_text(
            case jsonb_typeof(o.ids) when 'array' then o.ids else '[]'::jsonb end
        ) with ordinality e (id, place)
        join records r on r.workspace_id = :workspace and r.id = e.id::uuid
        where r.recordset_id = {parameters.bind(target_id)} and r.deleted_at is null{_within(parameters, restriction)}
    """
    return Source(rows, "e.place", is_single=is_single)


def linking(parameters: Parameters, *, field_id: UUID, restriction: Fragment | None) -> Source:
    """Return the records that name a record in a link field of theirs, by the table of links."""
    rows = f"""
        from (select r.id as id) o
        join record_links l
          on l.workspace_id = :workspace and l.target_id = o.id and l.field_id = {parameters.bind(field_id)}
        join records r on r.workspace_id = :workspace and r.id = l.source_id
        where r.deleted_at is null{_within(parameters, restriction)}
    """
    return Source(rows, "r.id", is_single=False)


def _within(parameters: Parameters, restriction: Fragment | None) -> str:
    return "" if restriction is None else f" and {parameters.take(restriction)}"
