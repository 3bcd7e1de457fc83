"""Statements that look at the records which values name, and keep the table of links in step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit


@dataclass(frozen=True, slots=True)
class Link:
    """That one record names another in a field."""

    field_id: UUID
    source_id: UUID
    target_id: UUID


async def list_linkable(
    unit: Unit, recordset_id: UUID, *, ids: Sequence[UUID], restriction: Fragment | None
) -> set[UUID]:
    """Return which of some records are there to be linked, and keep them from being deleted meanwhile."""
    within = "" if restriction is None else f" and {restriction.text}"
    rows = await unit.rows(
        f"""
        select r.id from records r
        where r.workspace_id = :workspace and r.recordset_id = :link_recordset and r.id = any(:link_ids::uuid[])
          and r.deleted_at is null{within}
        order by r.id for key share of r
        """,
        link_recordset=recordset_id,
        link_ids=list(ids),
        **({} if restriction is None else restriction.params),
    )
    return {row["id"] for row in rows}


async def insert_links(unit: Unit, links: Sequence[Link]) -> None:
    """Add links to records that are there; what is linked already stays."""
    await unit.run(
        """
        insert into record_links (workspace_id, field_id, source_id, target_id)
        select :workspace, d.field_id, d.source_id, r.id
        from unnest(:fields::uuid[], :sources::uuid[], :targets::uuid[]) as d (field_id, source_id, target_id)
        join records r on r.workspace_id = :workspace and r.id = d.target_id
        on conflict do nothing
        """,
        **_columns(links),
    )


async def delete_links(unit: Unit, links: Sequence[Link]) -> None:
    """Take links away."""
    await unit.run(
        """
        delete from record_links l
        using unnest(:fields::uuid[], :sources::uuid[], :targets::uuid[]) as d (field_id, source_id, target_id)
        where l.workspace_id = :workspace and l.field_id = d.field_id and l.source_id = d.source_id
          and l.target_id = d.target_id
        """,
        **_columns(links),
    )


def _columns(links: Sequence[Link]) -> dict[str, list[UUID]]:
    return {
        "fields": [link.field_id for link in links],
        "sources": [link.source_id for link in links],
        "targets": [link.target_id for link in links],
    }
