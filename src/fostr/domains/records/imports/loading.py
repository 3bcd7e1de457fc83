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
from fostr.domains.records.imports.advancing import RecordsetChanged, RecordsetGone, advance
from fostr.domains.records.imports.conversion import REFERENCES, Batch, CheckedRows, Converter, Mapping, is_plain
from fostr.domains.records.imports.interpretation import Style
from fostr.domains.records.imports.local import open_local
from fostr.domains.records.imports.merging.deciding import Decider
from fostr.domains.records.imports.merging.rules import Merging
from fostr.domains.records.imports.merging.storing import store_rows
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
    from fostr.domains.records.imports.merging.resolving import WhenUnknown
    from fostr.domains.records.imports.readers.source import Reader
    from fostr.domains.records.imports.repository import Import
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.jobs.context import JobContext

BATCH_ROWS: Final = 5000
DECIDED_ROWS: Final = 2000
LANES: Final = 2
INDEXED_ROWS: Final = 5000
LOADING_SHARE: Final = 70
"""Percent of an import's progress that is about rows; the rest is about their words."""


class FieldsGone(Conflict):
    """Fields that the file was mapped onto were removed while it was imported."""

    code = "import_fields_gone"
    detail = "Fields into which the file is imported were removed."


@dataclass(frozen=True, slots=True)
class LoadingPlan:
    """How rows become records, by the recordset as it was at one moment.

    Attributes:
        decider: decides about each row, where rows meet records or need more than their values; None where each
            becomes a new record.
    """

    recordset: Recordset
    converter: Converter
    decider: Decider | None


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
            load = _load_by if plan.decider is None else _decide_by
            entry, done = await load(job, entry, plan, file)
    return entry


async def _plan(job: JobContext, entry: Import) -> LoadingPlan:
    """Return how rows become records now, by the rights and the fields of this moment."""
    if entry.recordset_id is None:
        raise RecordsetGone
    async with job.unit() as unit:
        reached = await reach_recordset(await act_for_member(job, unit), entry.recordset_id, "import")
    return plan_loading(reached, entry)


def plan_loading(reached: Reached, entry: Import, *, made: set[int] | None = None) -> LoadingPlan:
    """Return how an import's rows become records of a recordset.

    Args:
        reached: the recordset, as the member stands to it.
        entry: the import.
        made: what a dry run remembers; see `Decider`.

    Raises:
        FieldsGone: fields that columns are mapped onto are not there any more, or not for the member.
    """
    mappings, recordset = read_mappings(entry.mappings), reached.recordset
    merging = Merging.from_document(entry.merging) if entry.merging else Merging()
    kept = merging.match_on if merging.when_unmatched == "skip" else ()
    writable = recordset.by_key.keys() - (reached.mask.read_only - {*kept}) - reached.mask.hidden
    lost = [m.field for m in mappings if m.field not in writable]
    if lost:
        raise FieldsGone(fields=lost)
    references: dict[str, WhenUnknown] = {
        m.field: m.unknown for m in mappings if recordset.by_key[m.field].type in REFERENCES
    }
    decider = Decider(
        recordset, merging, columns={m.field: entry.names[m.column] for m in mappings}, references=references, made=made
    )
    is_simple = not merging.match_on and not entry.is_dry_run and is_plain(recordset)
    return LoadingPlan(recordset, Converter(recordset, mappings, entry.names), decider=None if is_simple else decider)


def read_mappings(documents: Sequence[dict[str, Any]]) -> list[Mapping]:
    """Return mappings as they were stored beside an import."""
    return [
        Mapping(
            entry["column"], entry["field"], Style(entry["decimal"], entry["date_order"]), entry.get("unknown", "error")
        )
        for entry in documents
    ]


def write_mappings(mappings: Sequence[Mapping]) -> list[dict[str, Any]]:
    """Return mappings as they are stored beside an import."""
    return [
        {
            "column": m.column,
            "field": m.field,
            "decimal": m.style.decimal,
            "date_order": m.style.date_order,
            "unknown": m.unknown,
        }
        for m in mappings
    ]


async def _load_by(job: JobContext, entry: Import, plan: LoadingPlan, file: BinaryIO) -> tuple[Import, bool]:
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
    except RecordsetChanged:
        return entry, False
    finally:
        await _end_all(upcoming, *lanes)
    return entry, True


async def _follow(job: JobContext, storing: asyncio.Task[Import]) -> Import:
    """Wait for a batch to be in, report it, and return the import as it is then."""
    entry = await storing
    await _report(job, entry)
    return entry


async def _report(job: JobContext, entry: Import) -> None:
    done = min(1.0, entry.done_rows / max(entry.total_rows, 1))
    await job.report(progress=LOADING_SHARE * done, step="rows", message=_tell_rows(entry))


async def _end_all(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks[1:]:
        task.cancel()
    # A thread cannot be interrupted, and it reads from the file that is about to be closed.
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()


def _begin_batch(reader: Reader, plan: LoadingPlan) -> asyncio.Task[Batch | None]:
    return asyncio.create_task(asyncio.to_thread(_next_batch, reader, plan.converter))


def _next_batch(reader: Reader, converter: Converter) -> Batch | None:
    block = reader.read(BATCH_ROWS)
    return converter.convert(block) if block.rows else None


async def _store(
    job: JobContext, entry: Import, plan: LoadingPlan, batch: Batch, *, after: asyncio.Future[Import]
) -> Import:
    """Insert a batch, and return the import as it is then.

    Args:
        job: the job.
        entry: the import as it was at some time before.
        plan: how rows become records.
        batch: the rows.
        after: the batch before; this one is committed only when that one is.

    Raises:
        RecordsetChanged: the recordset is not the plan's any more.
        RecordsetGone: it was deleted.
    """
    recordset = plan.recordset
    async with job.unit() as unit:
        if not await recordsets.lock_recordset(unit, recordset.id, fields_version=recordset.fields_version):
            raise RecordsetChanged
        definition = await recordsets.find_definition(unit, recordset.id)
        if definition is None or definition.deleted:
            raise RecordsetGone
        await repository.insert_records(unit, entry, batch, now=clock.now())
        # Not awaited itself: whoever ends this batch does not end the one before.
        await asyncio.wait({after})
        before = after.result()
        return await advance(unit, before, batch)


async def _decide_by(job: JobContext, entry: Import, plan: LoadingPlan, file: BinaryIO) -> tuple[Import, bool]:
    """Import rows like `_load_by`, each by what was decided about it; one batch after the other."""
    assert plan.decider is not None  # noqa: S101 - who calls has asked
    position = Position(entry.file_offset, entry.file_row)
    reader = await asyncio.to_thread(open_reader, file, Source.from_document(entry.source), position=position)
    while (rows := await asyncio.to_thread(next_rows, reader, plan.converter)) is not None:
        try:
            entry = await store_rows(job, entry, plan.decider, rows)
        except RecordsetChanged:
            return entry, False
        await _report(job, entry)
    return entry, True


def next_rows(reader: Reader, converter: Converter) -> CheckedRows | None:
    """Return the next rows to be decided about; nothing when there are no more."""
    block = reader.read(DECIDED_ROWS)
    return converter.check(block) if block.rows else None


def _tell_rows(entry: Import) -> str:
    others = {"updated": entry.updated_rows, "skipped": entry.skipped_rows, "left out": entry.failed_rows}
    told = "".join(f", {count:,} {what}" for what, count in others.items() if count)
    return f"{entry.imported_rows:,} rows imported{told}."


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
