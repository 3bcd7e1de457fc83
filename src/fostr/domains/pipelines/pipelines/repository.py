"""Statements on pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit


async def find_pipeline(unit: Unit, *, recordset_id: UUID) -> asyncpg.Record | None:
    """Return the pipeline of a recordset."""
    return await unit.row(
        """
        select p.id, p.recordset_id, p.name, p.stage_field, p.created_at, p.updated_at, p.version from pipelines p
        where p.workspace_id = :workspace and p.recordset_id = :recordset_id and p.deleted_at is null
        """,
        recordset_id=recordset_id,
    )


async def list_stages(unit: Unit, pipeline_id: UUID) -> list[asyncpg.Record]:
    """Return the stages of a pipeline in their order."""
    return await unit.rows(
        """
        select s.id, s.name, s.value, s.color, s.position, s.kind, s.probability from pipeline_stages s
        where s.workspace_id = :workspace and s.pipeline_id = :pipeline_id order by s.position, s.id
        """,
        pipeline_id=pipeline_id,
    )


async def insert_pipeline(unit: Unit, values: Mapping[str, Any]) -> bool:
    """Insert a pipeline; say whether the recordset had none."""
    inserted = await unit.run(
        """
        insert into pipelines
            (workspace_id, id, recordset_id, name, stage_field, created_by, created_at, updated_by, updated_at)
        values (:workspace, :id, :recordset_id, :name, :stage_field, :member, :now, :member, :now)
        on conflict do nothing
        """,
        **values,
    )
    return inserted == 1


async def insert_stages(unit: Unit, pipeline_id: UUID, stages: Sequence[Mapping[str, Any]]) -> None:
    """Insert the stages of a pipeline."""
    await unit.run_many(
        """
        insert into pipeline_stages (workspace_id, id, pipeline_id, value, name, color, position, kind, probability)
        values (:workspace, :id, :pipeline_id, :value, :name, :color, :position, :kind, :probability)
        """,
        [{"pipeline_id": pipeline_id, **stage} for stage in stages],
    )
