"""Put many records into a recordset in little time, past the API, and look at how they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from fostr.domains.records.recordsets.counts.repository import count_anew
from fostr.kernel import clock
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime

SHOWN = """
    select r.id, r.title, r.field_values, r.geometry, r.geometry_type, r.bbox::text as bbox, r.version,
           r.text_1, r.text_2, r.text_3, r.text_4, r.number_1, r.number_2, r.time_1, r.deleted_at,
           coalesce(x.document::text, '') as words
    from records r left join record_search x on x.workspace_id = :workspace and x.record_id = r.id
    where r.workspace_id = :workspace and r.recordset_id = :recordset_id order by r.id
"""


async def insert_records(
    runtime: Runtime,
    workspace: UUID,
    recordset: dict[str, Any],
    values: list[dict[str, Any]],
    *,
    deleted: bool = False,
) -> list[UUID]:
    """Insert records with their values and nothing that is derived from them, and count them; return their ids."""
    ids = [new_id() for _ in values]
    async with runtime.database.unit(workspace) as unit:
        await unit.run(
            """
            insert into records (workspace_id, id, recordset_id, field_values, status, deleted_at)
            select :workspace, d.id, :recordset_id, d.field_values::jsonb, :status, :deleted_at
            from unnest(:ids::uuid[], :values::text[]) as d (id, field_values)
            """,
            recordset_id=UUID(recordset["id"]),
            ids=ids,
            values=[orjson.dumps(entry).decode() for entry in values],
            status="deleted" if deleted else "active",
            deleted_at=clock.now() if deleted else None,
        )
        if not deleted:
            await count_anew(unit, UUID(recordset["id"]))
    return ids


async def kept_records(runtime: Runtime, workspace: UUID, recordset: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the records of a recordset as they are kept, with the words by which they are found."""
    async with runtime.database.unit(workspace) as unit:
        rows = await unit.rows(SHOWN, recordset_id=UUID(recordset["id"]))
    return [dict(row) for row in rows]
