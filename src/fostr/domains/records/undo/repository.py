"""Statements on what can be undone, and on what was.

Nothing is scanned: the versions and the new records of a bulk write are ranges of primary keys, those of a single write
are named by its event, and the list of what somebody did walks back over the newest events, some at a time.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.records.bulk.repository import series_bounds

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime

    import asyncpg

    from fostr.kernel.db.unit import Unit

WALKED: Final = 10_000
"""Events that one page of the list looks at."""
MOST_CONFLICTS: Final = 1_000
"""Conflicts that a report tells; the others are counted."""

_EVENT: Final = """
    e.id, e.type, e.entity, e.entity_id, e.before, e.after, e.cause, e.created_at, e.actor->>'member_id' as member_id
"""
_UNDO: Final = """
    u.operation_id, u.undo_id, u.undone_by, u.is_forced, u.stage, u.last_id, u.place, u.undone, u.skipped, u.refused,
    u.conflicts, u.touched, u.job_id, u.event_id, u.started_at, u.finished_at
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One version of a record, to be taken back; without a version, the creation of the record."""

    id: UUID
    record_id: UUID
    recordset_id: UUID
    version: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Undo:
    """How something was undone, or how far that is; see `record_undos`."""

    operation_id: UUID
    undo_id: UUID
    undone_by: UUID | None
    is_forced: bool
    stage: int
    last_id: UUID | None
    place: int
    undone: int
    skipped: int
    refused: int
    conflicts: list[dict[str, Any]]
    touched: dict[str, int]
    job_id: UUID | None
    event_id: UUID | None
    started_at: datetime
    finished_at: datetime | None


async def find_event(unit: Unit, event_id: UUID, *, types: Sequence[str]) -> asyncpg.Record | None:
    """Return an event of some types, with what its author is called."""
    return await unit.row(
        f"""
        select {_EVENT}, m.full_name from events e
        left join members m on m.workspace_id = :workspace and m.id = (e.actor->>'member_id')::uuid
        where e.workspace_id = :workspace and e.id = :id and e.type = any(:types::text[])
        """,
        id=event_id,
        types=list(types),
    )


async def list_events(
    unit: Unit, recordset_id: UUID, *, types: Sequence[str], member_id: UUID | None, before: UUID | None, limit: int
) -> tuple[list[asyncpg.Record], UUID | None]:
    """Return what was done in a recordset, the newest first, and before which event to go on.

    Args:
        unit: the unit of work.
        recordset_id: the recordset.
        types: the types of the events.
        member_id: only what this member did.
        before: only what lies before this event.
        limit: the most to return.
    """
    rows = await unit.rows(
        f"""
        with walked as materialized (
            select {_EVENT} from events e
            where e.workspace_id = :workspace
              and e.id < coalesce(:before::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
            order by e.id desc limit {WALKED}
        ), listed as materialized (
            select {_EVENT.replace("e.actor->>'member_id' as member_id", "e.member_id")} from walked e
            where e.type = any(:types::text[])
              and (:member::uuid is null or e.member_id = :member::text)
              and case when e.entity = 'record' then coalesce(e.after, e.before)->>'recordset_id' = :recordset_text
                       else e.entity_id = :recordset_id end
            order by e.id desc limit :limit
        ), ended as (
            select case
                when (select count(*) from listed) = :limit::bigint
                    then (select l.id from listed l order by l.id limit 1)
                when (select count(*) from walked) = {WALKED} then (select w.id from walked w order by w.id limit 1)
            end as goes_on
        )
        select {_EVENT.replace("e.actor->>'member_id' as member_id", "e.member_id")}, m.full_name, d.goes_on
        from ended d left join listed e on true
        left join members m on m.workspace_id = :workspace and m.id = e.member_id::uuid
        order by e.id desc
        """,
        recordset_id=recordset_id,
        recordset_text=str(recordset_id),
        types=list(types),
        member=None if member_id is None else member_id,
        before=before,
        limit=limit,
    )
    return [row for row in rows if row["id"] is not None], rows[0]["goes_on"]


async def list_brought_along(unit: Unit, event_id: UUID, *, types: Sequence[str]) -> list[UUID]:
    """Return the causes of what the transaction of an event did besides, by events of some types."""
    rows = await unit.rows(
        """
        select e.cause->>'id' as id from events d
        join events e on e.workspace_id = :workspace and e.xact = d.xact and e.created_at = d.created_at
            and e.type = any(:types::text[])
        where d.workspace_id = :workspace and d.id = :id order by e.id
        """,
        id=event_id,
        types=list(types),
    )
    return [UUID(row["id"]) for row in rows]


async def list_undos(unit: Unit, operation_ids: Sequence[UUID]) -> dict[UUID, Undo]:
    """Return how things were undone, by what they are known as."""
    rows = await unit.rows(
        f"select {_UNDO} from record_undos u where u.workspace_id = :workspace and u.operation_id = any(:ids::uuid[])",
        ids=list(operation_ids),
    )
    return {row["operation_id"]: Undo(**dict(row)) for row in rows}


async def claim_undo(
    unit: Unit, operation_id: UUID, *, undo_id: UUID, member_id: UUID, is_forced: bool, now: datetime
) -> bool:
    """Say whether this transaction is the one that undoes something: nobody else does, and nobody has wholly done so.

    Whoever asks at the same time waits for the end of the transaction.
    """
    claimed = await unit.value(
        """
        insert into record_undos as u
            (workspace_id, operation_id, undo_id, undone_by, is_forced, started_at)
        values (:workspace, :operation_id, :undo_id, :member_id, :is_forced, :now)
        on conflict (workspace_id, operation_id) do update set
            undo_id = excluded.undo_id, undone_by = excluded.undone_by, is_forced = excluded.is_forced,
            started_at = excluded.started_at, finished_at = null, stage = 0, last_id = null, place = 0, undone = 0,
            skipped = 0, refused = 0, conflicts = '[]', touched = '{}', job_id = null, event_id = null
        where u.finished_at is not null and u.refused > 0
        returning true
        """,
        operation_id=operation_id,
        undo_id=undo_id,
        member_id=member_id,
        is_forced=is_forced,
        now=now,
    )
    return claimed is not None


async def save_undo(unit: Unit, undo: Undo) -> None:
    """Write down how far an undo is."""
    await unit.run(
        """
        update record_undos u set
            stage = :stage, last_id = :last_id, place = :place, undone = :undone, skipped = :skipped,
            refused = :refused, conflicts = :conflicts, touched = :touched, job_id = :job_id, event_id = :event_id,
            finished_at = :finished_at
        where u.workspace_id = :workspace and u.operation_id = :operation_id and u.undo_id = :undo_id
        """,
        operation_id=undo.operation_id,
        undo_id=undo.undo_id,
        stage=undo.stage,
        last_id=undo.last_id,
        place=undo.place,
        undone=undo.undone,
        skipped=undo.skipped,
        refused=undo.refused,
        conflicts=undo.conflicts,
        touched=undo.touched,
        job_id=undo.job_id,
        event_id=undo.event_id,
        finished_at=undo.finished_at,
    )


async def delete_undo(unit: Unit, operation_id: UUID) -> None:
    """Forget an undo that changed nothing."""
    await unit.run(
        "delete from record_undos u where u.workspace_id = :workspace and u.operation_id = :id", id=operation_id
    )


async def list_single(unit: Unit, *, record_id: UUID, version: int, below: UUID | None, limit: int) -> list[Step]:
    """Return one version of a record; the first one is its creation. Below any id there is no other."""
    del limit
    if below is not None:
        return []
    if version <= 1:
        row = await unit.row(
            """
            select r.id, r.id as record_id, r.recordset_id from records r
            where r.workspace_id = :workspace and r.id = :record_id
            """,
            record_id=record_id,
        )
        return [] if row is None else [_creation(row)]
    row = await unit.row(
        """
        select v.id, v.record_id, r.recordset_id, v.version, v.before, v.after
        from record_versions v join records r on r.workspace_id = :workspace and r.id = v.record_id
        where v.workspace_id = :workspace and v.record_id = :record_id and v.version = :version
        """,
        record_id=record_id,
        version=version,
    )
    return [] if row is None else [Step(**dict(row))]


async def list_versions(unit: Unit, *, series: UUID, below: UUID | None, limit: int) -> list[Step]:
    """Return the versions of a series, the last first, and only those below an id."""
    least, greatest = series_bounds(series)
    rows = await unit.rows(
        """
        select v.id, v.record_id, r.recordset_id, v.version, v.before, v.after
        from record_versions v join records r on r.workspace_id = :workspace and r.id = v.record_id
        where v.workspace_id = :workspace and v.id >= :least and v.id <= :greatest
          and (:below::uuid is null or v.id < :below::uuid)
        order by v.id desc limit :limit
        """,
        least=least,
        greatest=greatest,
        below=below,
        limit=limit,
    )
    return [Step(**dict(row)) for row in rows]


async def list_created(unit: Unit, *, series: UUID, below: UUID | None, limit: int) -> list[Step]:
    """Return the records of a series, the last first, and only those below an id."""
    least, greatest = series_bounds(series)
    rows = await unit.rows(
        """
        select r.id, r.id as record_id, r.recordset_id from records r
        where r.workspace_id = :workspace and r.id >= :least and r.id <= :greatest
          and (:below::uuid is null or r.id < :below::uuid)
        order by r.id desc limit :limit
        """,
        least=least,
        greatest=greatest,
        below=below,
        limit=limit,
    )
    return [_creation(row) for row in rows]


async def list_imported(unit: Unit, *, series: UUID, below: UUID | None, limit: int) -> list[Step]:
    """Return the records that an import created, the last first, and only those below an id."""
    rows = await unit.rows(
        """
        select r.id, r.id as record_id, r.recordset_id
        from imports i join records r on r.workspace_id = :workspace
            and r.id >= i.first_id and r.id <= i.last_id and r.import_id = i.id and r.recordset_id = i.recordset_id
        where i.workspace_id = :workspace and i.id = :import_id and (:below::uuid is null or r.id < :below::uuid)
        order by r.id desc limit :limit
        """,
        import_id=series,
        below=below,
        limit=limit,
    )
    return [_creation(row) for row in rows]


async def has_import(unit: Unit, import_id: UUID) -> bool:
    """Say whether it is still known which records an import created."""
    found = await unit.value(
        "select true from imports i where i.workspace_id = :workspace and i.id = :id", id=import_id
    )
    return found is not None


def _creation(row: asyncpg.Record) -> Step:
    return Step(
        id=row["id"], record_id=row["record_id"], recordset_id=row["recordset_id"], version=1, before=None, after=None
    )


async def list_states_replaced(unit: Unit, versions: dict[UUID, int]) -> dict[UUID, list[dict[str, Any]]]:
    """Return what each change after a version of each record replaced, in their order."""
    rows = await unit.rows(
        """
        select v.record_id, v.before
        from unnest(:ids::uuid[], :versions::integer[]) as d (id, version)
        join record_versions v on v.record_id = d.id and v.version > d.version
        where v.workspace_id = :workspace and v.before is not null
        order by v.record_id, v.version
        """,
        ids=list(versions),
        versions=list(versions.values()),
    )
    replaced: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        replaced.setdefault(row["record_id"], []).append(row["before"])
    return replaced


async def stage_old_values(unit: Unit, series: UUID, *, recordset_id: UUID, field_id: UUID, key: str) -> int:
    """Stage the values that versions of a series replaced, where they are as those made them; return how many."""
    least, greatest = series_bounds(series)
    return await unit.run(
        """
        insert into retyped_values (workspace_id, field_id, record_id, before, after)
        select :workspace, :field_id, r.id, coalesce(r.field_values->:key::text, 'null'),
               nullif(v.before->'field_values'->:key::text, 'null')
        from record_versions v join records r on r.workspace_id = :workspace and r.id = v.record_id
        where v.workspace_id = :workspace and v.id >= :least and v.id <= :greatest and r.recordset_id = :recordset_id
          and coalesce(r.field_values->:key::text, 'null') = coalesce(v.after->'field_values'->:key::text, 'null')
        on conflict (workspace_id, field_id, record_id) do nothing
        """,
        field_id=field_id,
        key=key,
        least=least,
        greatest=greatest,
        recordset_id=recordset_id,
    )


async def stream_unstaged(
    unit: Unit, *, recordset_id: UUID, field_id: UUID, key: str
) -> AsyncGenerator[asyncpg.Record]:
    """Yield the value of a field in every record that has one and none staged, those in the trash included."""
    rows = unit.stream(
        """
        select r.id, r.field_values->:key::text as value from records r
        where r.workspace_id = :workspace and r.recordset_id = :recordset_id and r.field_values ? :key::text
          and not exists (
              select from retyped_values d
              where d.workspace_id = :workspace and d.field_id = :field_id and d.record_id = r.id
          )
        """,
        recordset_id=recordset_id,
        field_id=field_id,
        key=key,
    )
    async with aclosing(rows) as found:
        async for row in found:
            yield row


async def find_own_event(unit: Unit, entity_id: UUID, *, type: str) -> UUID | None:
    """Return the last event of a type about a thing that this transaction has recorded."""
    return await unit.value(
        """
        select e.id from events e
        where e.workspace_id = :workspace and e.xact = pg_current_xact_id() and e.entity_id = :entity_id
          and e.type = :type
        order by e.id desc limit 1
        """,
        entity_id=entity_id,
        type=type,
    )
