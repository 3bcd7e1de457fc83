"""What the job of an import does: rows into records, then the words by which they are found.

Each batch of rows is one transaction, which inserts the records, counts them, keeps the faults, and moves the import to
where the batch ends. Whenever the worker dies, the next run goes on from there, and every row is in exactly once.

While PostgreSQL inserts batches, a thread reads and converts the next one. Two are inserted at a time, over two
connections; the second is counted and committed only after the first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import orjson

from fostr.domains.records.fields.shaping import search_text
from fostr.domains.records.imports import repository
from fostr.domains.records.imports.conversion import Batch, Converter, Mapping
from fostr.domains.records.imports.interpretation import Style
from fostr.domains.records.imports.local import open_local
from fostr.domains.records.imports.readers.opening import Source, open_reader
from fostr.domains.records.imports.readers.source import Position
from fostr.domains.records.recordsets import repository as recordsets
from fostr.domains.records.recordsets.reach import reach_recordset
from fostr.kernel import clock
from fostr.kernel.http.errors import Conflict
from fostr.kernel.jobs.behalf import act_for_member
from fostr.kernel.jobs.context import JobSuperseded

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from fostr.domains.records.fields.model import Recordset
    from fostr.domains.records.imports.readers.source import Reader
    from fostr.domains.records.imports.repository import Import
    from fostr.kernel.jobs.context import JobContext

BATCH_ROWS: Final = 5000
LANES: Final = 2
INDEXED_ROWS: Final = 5000
MOST_FAULTS: Final = 100_000
"""Faults that the report of one import tells; the rows behind them are counted to the last."""

LOADING_SHARE: Final = 70
"""Percent of an import's progress that is about rows; the rest is about their words."""


class RecordsetGone(Conflict):
    """The recordset was deleted while records were imported into it."""

    code = "import_recordset_gone"
    detail = "The recordset was deleted."


class FieldsGone(Conflict):
    """Fields that the file was mapped onto were removed while it was imported."""

    code = "import_fields_gone"
    detail = "Fields into which the file is imported were removed."


class _Changed(Exception):
    """The recordset has changed since the plan was made."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How rows become records, by the recordset as it was at one moment."""

    recordset: Recordset
    converter: Converter


async def load_records(job: JobContext, entry: Import) -> Import:
    """Import all rows that are not in yet, and return the import as it is then.

    Raises:
        RecordsetGone, FieldsGone: the recordset is not what it was.
        FileUnreadable: the file is broken.
        Forbidden: the member may not import into the recordset any more.
    """
    async with open_local(job.runtime.files, entry.file_key) as file:
        done = False
        while not done:
            plan = await _plan(job, entry)
            entry, done = await _load_by(job, entry, plan, file)
    return entry


async def _plan(job: JobContext, entry: Import) -> _Plan:
    """Return how rows become records now, by the rights and the fields of this moment."""
    if entry.recordset_id is None:
        raise RecordsetGone
    async with job.unit() as unit:
        reached = await reach_recordset(await act_for_member(job, unit), entry.recordset_id, "import")
    mappings = read_mappings(entry.mappings)
    lost = [m.field for m in mappings if m.field not in reached.recordset.by_key or m.field in reached.mask.read_only]
    if lost:
        raise FieldsGone(fields=lost)
    return _Plan(reached.recordset, Converter(reached.recordset, mappings, entry.names))


def read_mappings(documents: Sequence[dict[str, Any]]) -> list[Mapping]:
    """Return mappings as they were stored beside an import."""
    return [
        Mapping(entry["column"], entry["field"], Style(entry["decimal"], entry["date_order"])) for entry in documents
    ]


def write_mappings(mappings: Sequence[Mapping]) -> list[dict[str, Any]]:
    """Return mappings as they are stored beside an import."""
    return [
        {"column": m.column, "field": m.field, "decimal": m.style.decimal, "date_order": m.style.date_order}
        for m in mappings
    ]


async def _load_by(job: JobContext, entry: Import, plan: _Plan, file: BinaryIO) -> tuple[Import, bool]:
    """Import rows as long as the plan holds; return the import as it is then, and whether that was all."""
    position = Position(entry.file_offset, entry.file_row)
    reader = await asyncio.to_thread(open_reader, file, Source.from_document(entry.source), position=position)
    upcoming = _begin_batch(reader, plan)
    lanes: deque[asyncio.Task[Import]] = deque()
    last: asyncio.Future[Import] = asyncio.get_running_loop().create_future()
    last.set_result(entry)
    try:
        while (batch := await upcoming) is not None:
            upcoming = _begin_batch(reader, plan)
            last = asyncio.create_task(_store(job, entry, plan, batch, after=last))
            lanes.append(last)
            if len(lanes) == LANES:
                entry = await _follow(job, lanes[0])
                lanes.popleft()
        while lanes:
            entry = await _follow(job, lanes[0])
            lanes.popleft()
    except _Changed:
        return entry, False
    finally:
        await _end_all(upcoming, *lanes)
    return entry, True


async def _follow(job: JobContext, storing: asyncio.Task[Import]) -> Import:
    """Wait for a batch to be in, report it, and return the import as it is then."""
    entry = await storing
    done = min(1.0, (entry.imported_rows + entry.failed_rows) / max(entry.total_rows, 1))
    await job.report(progress=LOADING_SHARE * done, step="rows", message=_tell_rows(entry))
    return entry


async def _end_all(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks[1:]:
        task.cancel()
    # A thread cannot be interrupted, and it reads from the file that is about to be closed.
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()


def _begin_batch(reader: Reader, plan: _Plan) -> asyncio.Task[Batch | None]:
    return asyncio.create_task(asyncio.to_thread(_next_batch, reader, plan.converter))


def _next_batch(reader: Reader, converter: Converter) -> Batch | None:
    block = reader.read(BATCH_ROWS)
    return converter.convert(block) if block.rows else None


async def _store(job: JobContext, entry: Import, plan: _Plan, batch: Batch, *, after: asyncio.Future[Import]) -> Import:
    """Insert a batch, and return the import as it is then.

    Args:
        job: the job.
        entry: the import as it was at some time before.
        plan: how rows become records.
        batch: the rows.
        after: the batch before; this one is committed only when that one is.

    Raises:
        _Changed: the recordset is not the plan's any more.
        RecordsetGone: it was deleted.
    """
    recordset = plan.recordset
    async with job.unit() as unit:
        if not await recordsets.lock_recordset(unit, recordset.id, fields_version=recordset.fields_version):
            raise _Changed
        definition = await recordsets.find_definition(unit, recordset.id)
        if definition is None or definition.deleted:
            raise RecordsetGone
        await repository.insert_records(unit, entry, batch, now=clock.now())
        # Not awaited itself: whoever ends this batch does not end the one before.
        await asyncio.wait({after})
        before = after.result()
        faults = batch.faults[: max(0, MOST_FAULTS - before.reported_faults)]
        if not await repository.advance_import(unit, before, batch, faults=faults):
            raise JobSuperseded
    return _advanced(before, batch, len(faults))


def _advanced(entry: Import, batch: Batch, reported: int) -> Import:
    ends = [id for id in (entry.first_id, entry.last_id, *batch.ids[:1], *batch.ids[-1:]) if id is not None]
    return replace(
        entry,
        file_offset=batch.end.offset,
        file_row=batch.end.row,
        imported_rows=entry.imported_rows + len(batch.ids),
        failed_rows=entry.failed_rows + batch.failed,
        reported_faults=entry.reported_faults + reported,
        first_id=min(ends, default=None),
        last_id=max(ends, default=None),
    )


def _tell_rows(entry: Import) -> str:
    left_out = f", {entry.failed_rows:,} left out" if entry.failed_rows else ""
    return f"{entry.imported_rows:,} rows imported{left_out}."


async def index_records(job: JobContext, entry: Import) -> Import:
    """Make the imported records searchable, and return the import as it is then.

    The words of a million records cost PostgreSQL more than the records. So they come after them, some at a time, and
    from what the records hold by then.
    """
    while entry.last_id is not None:
        indexed = await _index_some(job, entry)
        if indexed is None:
            break
        entry = indexed
        done = entry.indexed_rows / max(entry.imported_rows, 1)
        progress = LOADING_SHARE + (99 - LOADING_SHARE) * done
        await job.report(progress=progress, step="search", message=f"{entry.indexed_rows:,} rows can be searched.")
    return entry


async def _index_some(job: JobContext, entry: Import) -> Import | None:
    async with job.unit() as unit:
        recordset_id = entry.recordset_id
        if recordset_id is None or not await recordsets.lock_recordset(unit, recordset_id):
            return None
        recordset = await recordsets.find_definition(unit, recordset_id)
        rows = await repository.list_unindexed(unit, entry, limit=INDEXED_ROWS)
        if recordset is None or not rows:
            return None
        ids = [row["id"] for row in rows]
        searches = await asyncio.to_thread(_read_words, recordset, rows)
        if not await repository.index_records(unit, entry, recordset_id=recordset.id, ids=ids, searches=searches):
            raise JobSuperseded
    return replace(entry, indexed_id=ids[-1], indexed_rows=entry.indexed_rows + len(ids))


def _read_words(recordset: Recordset, rows: list[asyncpg.Record]) -> list[str]:
    return [search_text(recordset, orjson.loads(row["field_values"])) for row in rows]
