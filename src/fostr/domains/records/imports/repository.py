"""Statements on uploaded files and imports, and those that insert many records at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from fostr.domains.records.imports.rules import STEPS
from fostr.domains.records.records.tables import PROMOTED_NUMBER, PROMOTED_TEXT
from fostr.domains.records.recordsets.counts.repository import ADDED_UP, BULK_SHARD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.domains.records.imports.conversion import Batch, Fault
    from fostr.domains.records.imports.rules import Stage, Step
    from fostr.kernel.db.unit import Unit


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that was uploaded, or is expected; see `import_files`."""

    id: UUID
    key: str
    filename: str
    size: int | None
    options: dict[str, Any] | None
    analysis: dict[str, Any] | None
    uploaded_by: UUID


@dataclass(frozen=True, slots=True)
class Import:
    """An import as it stands; see `imports`."""

    id: UUID
    job_id: UUID
    recordset_id: UUID | None
    file_key: str
    filename: str
    stage: Stage
    source: dict[str, Any]
    names: list[str]
    mappings: list[dict[str, Any]]
    merging: dict[str, Any] | None
    draft: dict[str, Any] | None
    preview: dict[str, Any] | None
    actor: dict[str, Any]
    created_by: UUID
    makes_recordset: bool
    is_dry_run: bool
    total_rows: int
    file_offset: int
    file_row: int
    imported_rows: int
    updated_rows: int
    skipped_rows: int
    failed_rows: int
    indexed_rows: int
    reported_faults: int
    first_id: UUID | None
    last_id: UUID | None
    indexed_id: UUID | None
    created_at: datetime
    settled_at: datetime | None

    @property
    def done_rows(self) -> int:
        """How many rows something has become of."""
        return self.imported_rows + self.updated_rows + self.skipped_rows + self.failed_rows


_FILE: Final = "f.id, f.key, f.filename, f.size, f.options, f.analysis, f.uploaded_by"
_IMPORT: Final = """
    i.id, i.job_id, i.recordset_id, i.file_key, i.filename, i.stage, i.source, i.names, i.mappings, i.merging, i.draft,
    i.preview, i.actor, i.created_by, i.makes_recordset, i.is_dry_run, i.total_rows, i.file_offset, i.file_row,
    i.imported_rows, i.updated_rows, i.skipped_rows, i.failed_rows, i.indexed_rows, i.reported_faults, i.first_id,
    i.last_id, i.indexed_id, i.created_at, i.settled_at
"""


async def create_file(
    unit: Unit, *, id: UUID, key: str, filename: str, size: int | None, uploaded_by: UUID, now: datetime
) -> None:
    """Note a file that was uploaded, or, without a size, one that is expected."""
    await unit.run(
        """
        insert into import_files (workspace_id, id, key, filename, size, uploaded_by, created_at)
        values (:workspace, :id, :key, :filename, :size, :uploaded_by, :now)
        """,
        id=id,
        key=key,
        filename=filename,
        size=size,
        uploaded_by=uploaded_by,
        now=now,
    )


async def find_file(unit: Unit, file_id: UUID) -> UploadedFile | None:
    """Return an uploaded or expected file."""
    row = await unit.row(
        f"select {_FILE} from import_files f where f.workspace_id = :workspace and f.id = :id", id=file_id
    )
    return None if row is None else UploadedFile(**dict(row))


async def keep_analysis(
    unit: Unit, file_id: UUID, *, size: int, options: dict[str, Any], analysis: dict[str, Any]
) -> None:
    """Keep what was found in a file, and how it was read."""
    await unit.run(
        """
        update import_files f set size = :size, options = :options, analysis = :analysis
        where f.workspace_id = :workspace and f.id = :id
        """,
        id=file_id,
        size=size,
        options=options,
        analysis=analysis,
    )


async def delete_unused_files(unit: Unit, *, before: datetime) -> list[str]:
    """Forget old files that no open import reads, and return their keys."""
    rows = await unit.rows(
        """
        delete from import_files f
        where f.workspace_id = :workspace and f.created_at < :before and not exists (
            select from imports i
            where i.workspace_id = :workspace and i.file_id = f.id and i.stage in ('waiting', 'loading')
        )
        returning f.key
        """,
        before=before,
    )
    return [row["key"] for row in rows]


async def delete_settled_imports(unit: Unit, *, before: datetime) -> None:
    """Forget imports that ended long ago, with their faults."""
    await unit.run("delete from imports i where i.workspace_id = :workspace and i.settled_at < :before", before=before)


async def create_import(unit: Unit, import_id: UUID, **values: Any) -> None:
    """Note an import whose job is dispatched in the same transaction."""
    await unit.run(
        """
        insert into imports
            (workspace_id, id, job_id, recordset_id, file_id, file_key, filename, source, names, mappings, merging,
             draft, actor, created_by, makes_recordset, is_dry_run, total_rows, created_at)
        values
            (:workspace, :id, :job_id, :recordset_id, :file_id, :file_key, :filename, :source, :names, :mappings,
             :merging, :draft, :actor, :created_by, :makes_recordset, :is_dry_run, :total_rows, :now)
        """,
        id=import_id,
        **values,
    )


async def find_import(unit: Unit, *, job_id: UUID) -> Import | None:
    """Return the import that a job makes."""
    row = await unit.row(
        f"select {_IMPORT} from imports i where i.workspace_id = :workspace and i.job_id = :job_id", job_id=job_id
    )
    return None if row is None else Import(**dict(row))


async def list_imports(unit: Unit, job_ids: Sequence[UUID]) -> dict[UUID, Import]:
    """Return the imports that some jobs make, by job."""
    rows = await unit.rows(
        f"select {_IMPORT} from imports i where i.workspace_id = :workspace and i.job_id = any(:job_ids::uuid[])",
        job_ids=list(job_ids),
    )
    return {row["job_id"]: Import(**dict(row)) for row in rows}


async def move_import(unit: Unit, import_id: UUID, step: Step, *, now: datetime) -> bool:
    """Take an import to its next stage; say whether it stood where the step begins."""
    sources, target = STEPS[step]
    return (
        await unit.run(
            """
            update imports i
            set stage = :target,
                settled_at = case when :target in ('finished', 'stopped') then :now::timestamptz else i.settled_at end
            where i.workspace_id = :workspace and i.id = :id and i.stage = any(:sources::text[])
            """,
            id=import_id,
            target=target,
            sources=sorted(sources),
            now=now,
        )
        == 1
    )


async def keep_preview(
    unit: Unit,
    import_id: UUID,
    *,
    created: int,
    updated: int,
    skipped: int,
    failed: int,
    reported: int,
    preview: dict[str, Any],
) -> None:
    """Keep what a dry run has found."""
    await unit.run(
        """
        update imports i set imported_rows = :created, updated_rows = :updated, skipped_rows = :skipped,
            failed_rows = :failed, reported_faults = :reported, preview = :preview
        where i.workspace_id = :workspace and i.id = :id
        """,
        id=import_id,
        created=created,
        updated=updated,
        skipped=skipped,
        failed=failed,
        reported=reported,
        preview=preview,
    )


async def delete_import(unit: Unit, import_id: UUID) -> None:
    """Forget an import and its faults; the records stay."""
    await unit.run("delete from imports i where i.workspace_id = :workspace and i.id = :id", id=import_id)


def _cast(column: str) -> str:
    if column in PROMOTED_TEXT:
        return "text"
    return "double precision" if column in PROMOTED_NUMBER else "timestamptz"


_LINES: Final = "unnest(string_to_array(:{name}, E'\\n', ''))"
_LIST: Final = "json_array_elements_text(:{name}::text::json)"


@lru_cache
def _insertion(promoted: tuple[str, ...], *, has_places: bool) -> str:
    """Return the statement that inserts records with these promoted columns.

    Each column travels as one text, of lines or, where values may hold line ends, of JSON: asyncpg takes longer to
    encode arrays of so many values than PostgreSQL to insert them.
    """
    typed = [("id", _LINES, "uuid"), ("number", _LINES, "integer"), ("title", _LIST, "text")]
    typed.append(("document", _LINES, "jsonb"))
    if has_places:
        typed += [("geometry", _LINES, "jsonb"), ("geometry_type", _LINES, "text"), ("box", _LINES, "box")]
    typed += [(column, _LIST, _cast(column)) for column in promoted]
    columns = [{"number": "import_row", "document": "field_values", "box": "bbox"}.get(n, n) for n, _, _ in typed]
    return f"""
        insert into records
            (workspace_id, recordset_id, import_id, owner_id, created_by, updated_by, created_at, updated_at,
             {", ".join(columns)})
        select :workspace, :recordset_id, :import_id, :member::uuid, :member::uuid, :member::uuid,
               :now::timestamptz, :now::timestamptz, {", ".join(f"d.{name}::{type}" for name, _, type in typed)}
        from rows from ({", ".join(source.format(name=name) for name, source, _ in typed)})
             as d ({", ".join(name for name, _, _ in typed)})
    """


async def insert_records(unit: Unit, entry: Import, batch: Batch, *, now: datetime) -> None:
    """Insert a batch of records, without their search words; see `index_records`."""
    if not batch.ids:
        return
    await unit.run(
        _insertion(tuple(sorted(batch.promoted)), has_places=batch.boxes is not None),
        recordset_id=entry.recordset_id,
        import_id=entry.id,
        member=entry.created_by,
        now=now,
        id=_write_lines(record_id.hex for record_id in batch.ids),
        number=_write_lines(map(str, batch.numbers)),
        title=_write_list(batch.titles),
        document=_write_lines(batch.documents),
        geometry=_write_lines(text or "" for text in batch.geometries or ()),
        geometry_type=_write_lines(text or "" for text in batch.geometry_types or ()),
        box=_write_lines(text or "" for text in batch.boxes or ()),
        **{column: _write_list(values) for column, values in batch.promoted.items()},
    )


def _write_lines(texts: Iterable[str]) -> str:
    return "\n".join(texts)


def _write_list(values: Sequence[Any]) -> str:
    return orjson.dumps(values).decode()


async def advance_import(unit: Unit, entry: Import, batch: Batch, *, faults: Sequence[Fault]) -> bool:
    """Count a batch that is inserted in the same transaction, and keep its faults.

    Says whether the import stood where the batch begins: if not, another run has inserted it, and the transaction must
    not be committed.
    """
    moved = await unit.run(
        f"""
        with counted as (
            insert into recordset_counts (workspace_id, recordset_id, shard, count)
            select :workspace, :recordset_id, {BULK_SHARD}, :imported::bigint where :imported::bigint > 0
            {ADDED_UP}
        ), kept as ({_KEPT})
        update imports i
        set file_offset = :offset, file_row = :row, imported_rows = i.imported_rows + :imported,
            updated_rows = i.updated_rows + :updated, skipped_rows = i.skipped_rows + :skipped,
            failed_rows = i.failed_rows + :failed, reported_faults = i.reported_faults + :reported,
            first_id = least(i.first_id, :first_id), last_id = greatest(i.last_id, :last_id)
        where i.workspace_id = :workspace and i.id = :id and i.stage = 'loading' and i.file_row = :before
        """,
        id=entry.id,
        recordset_id=entry.recordset_id,
        before=entry.file_row,
        offset=batch.end.offset,
        row=batch.end.row,
        imported=len(batch.ids),
        updated=batch.updated,
        skipped=batch.skipped,
        failed=batch.failed,
        reported=len(faults),
        first_id=batch.ids[0] if batch.ids else None,
        last_id=batch.ids[-1] if batch.ids else None,
        **_fault_columns(faults),
    )
    return moved == 1


_KEPT: Final = """
    insert into import_faults (workspace_id, import_id, row, position, column_name, value, reason)
    select :workspace, :id, d.row, d.position, d.column_name, d.value, d.reason
    from unnest(
        :rows::bigint[], :positions::smallint[], :columns::text[], :values::text[], :reasons::text[]
    ) as d (row, position, column_name, value, reason)
"""


async def keep_faults(unit: Unit, import_id: UUID, faults: Sequence[Fault]) -> None:
    """Keep why a dry run would leave rows out."""
    if faults:
        await unit.run(_KEPT, id=import_id, **_fault_columns(faults))


def _fault_columns(faults: Sequence[Fault]) -> dict[str, list[Any]]:
    return {
        "rows": [fault.row for fault in faults],
        "positions": _positions(faults),
        "columns": [fault.column for fault in faults],
        "values": [fault.value for fault in faults],
        "reasons": [fault.reason for fault in faults],
    }


def _positions(faults: Sequence[Fault]) -> list[int]:
    seen: dict[int, int] = {}
    for fault in faults:
        seen[fault.row] = seen.get(fault.row, 0) + 1
    remaining = dict(seen)
    positions: list[int] = []
    for fault in faults:
        positions.append(seen[fault.row] - remaining[fault.row] + 1)
        remaining[fault.row] -= 1
    return positions


async def list_unindexed(unit: Unit, entry: Import, *, limit: int) -> list[asyncpg.Record]:
    """Return the id and, as JSON text, the values of the next imported records without search words."""
    return await unit.rows(
        """
        select r.id, r.field_values::text as field_values from records r
        where r.workspace_id = :workspace and r.id > coalesce(:after::uuid, '00000000-0000-0000-0000-000000000000')
          and r.id <= :last::uuid and r.id >= :first::uuid and r.import_id = :import_id
        order by r.id limit :limit
        """,
        after=entry.indexed_id,
        first=entry.first_id,
        last=entry.last_id,
        import_id=entry.id,
        limit=limit,
    )


async def index_records(
    unit: Unit, entry: Import, *, recordset_id: UUID, ids: Sequence[UUID], searches: Sequence[str]
) -> bool:
    """Insert the search words of records; where a record has some already, somebody has changed it since.

    Says whether the import stood where these records begin, as `advance_import` does.
    """
    moved = await unit.run(
        """
        with found as (
            insert into record_search (workspace_id, record_id, recordset_id, document)
            select :workspace, d.id::uuid, :recordset_id, to_tsvector('simple', d.search)
            from rows from (
                unnest(string_to_array(:ids, E'\\n')), json_array_elements_text(:searches::text::json)
            ) as d (id, search)
            on conflict (workspace_id, record_id) do nothing
        )
        update imports i set indexed_id = :last::uuid, indexed_rows = i.indexed_rows + :count
        where i.workspace_id = :workspace and i.id = :id and i.indexed_id is not distinct from :before::uuid
        """,
        id=entry.id,
        recordset_id=recordset_id,
        ids=_write_lines(record_id.hex for record_id in ids),
        searches=_write_list(searches),
        last=ids[-1],
        count=len(ids),
        before=entry.indexed_id,
    )
    return moved == 1


def stream_faults(unit: Unit, import_id: UUID) -> AsyncIterator[asyncpg.Record]:
    """Yield why rows were left out, by row."""
    return unit.stream(
        """
        select e.row, e.column_name, e.value, e.reason from import_faults e
        where e.workspace_id = :workspace and e.import_id = :import_id order by e.row, e.position
        """,
        import_id=import_id,
    )


async def summarise_faults(unit: Unit, import_id: UUID, *, limit: int) -> list[asyncpg.Record]:
    """Return how often each column was refused for which reason, the most frequent first."""
    return await unit.rows(
        """
        select e.column_name, e.reason, count(*) as count, min(e.row) as first_row from import_faults e
        where e.workspace_id = :workspace and e.import_id = :import_id
        group by e.column_name, e.reason order by count(*) desc, e.column_name, e.reason limit :limit
        """,
        import_id=import_id,
        limit=limit,
    )


async def list_ended_jobs(unit: Unit, *, name: str, follower: str, since: datetime) -> list[tuple[UUID, UUID]]:
    """Return the jobs of a kind that were cancelled or failed, and that no job `follower:<id>` has followed."""
    rows = await unit.rows(
        """
        select j.id, j.workspace_id from jobs j
        where j.name = :name and j.status in ('cancelled', 'failed') and j.finished_at > :since
          and j.workspace_id is not null and not exists (
              select from jobs f where f.workspace_id = j.workspace_id and f.workflow_id = :follower || ':' || j.id
          )
        """,
        name=name,
        follower=follower,
        since=since,
    )
    return [(row["id"], row["workspace_id"]) for row in rows]


async def find_job_workspace(unit: Unit, job_id: UUID, *, name: str) -> UUID | None:
    """Return the workspace of a job of a kind, for whoever holds a signed address that names the job."""
    return await unit.value(
        "select j.workspace_id from jobs j where j.id = :id and j.name = :name", id=job_id, name=name
    )
