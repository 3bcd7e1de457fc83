"""One change for each record, out of the one event of a bulk write.

A bulk event is about a recordset, and its cause has an id and a count. The versions that the write made, and the
records that it created, have ids of the series that the cause's id begins; records that an import created carry its id
instead. So a reader that needs one change for each record finds them without a scan, page by page, whenever it reads.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.records.bulk.repository import series_id
from fostr.domains.records.expansion import repository

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from datetime import datetime

    import asyncpg

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event

AT_ONCE: Final = 1_000

_FIRST: Final = UUID(int=0)
_ATTRIBUTES: Final = ("status", "tags", "owner_id")


@dataclass(frozen=True, slots=True)
class RecordChange:
    """What a bulk write did to one record.

    Attributes:
        id: of the entry in the record's history that tells of it.
        version: the one that it made.
        operation: `create`, `update`, `delete` or `restore`.
        before: what changed, as it was: `field_values` with the changed keys, and any of `status`, `tags` and
            `owner_id` that changed; None for a new record.
        after: the same, as it became; of a new record, everything.
    """

    id: UUID
    record_id: UUID
    recordset_id: UUID
    version: int
    operation: str
    before: dict[str, Any] | None
    after: dict[str, Any]
    changed_by: UUID | None
    changed_at: datetime


def is_bulk(event: Event) -> bool:
    """Say whether an event stands for a write of many records of its recordset."""
    cause = event.cause or {}
    return event.entity == "recordset" and cause.get("count") is not None and bool(cause.get("id"))


async def expand_event(unit: Unit, event: Event, *, after: UUID | None = None) -> AsyncGenerator[RecordChange]:
    """Yield what a bulk event's write did to each record of its recordset, in the order of the changes' ids.

    Nothing for an event of another kind, and nothing of records that are gone for good.

    Args:
        unit: bound to the event's workspace.
        event: an event about a recordset, with a cause that counts.
        after: where to go on: behind the change of this id; None from the beginning.
    """
    if not is_bulk(event):
        return
    changed = _walk_changed(unit, event, after=after or _FIRST)
    created = _walk_created(unit, event, after=after or _FIRST)
    async with aclosing(changed), aclosing(created):
        one, other = await anext(changed, None), await anext(created, None)
        while one is not None or other is not None:
            if other is None or (one is not None and one.id < other.id):
                assert one is not None  # noqa: S101 - one of them is there
                yield one
                one = await anext(changed, None)
            else:
                yield other
                other = await anext(created, None)


def series_of(event: Event) -> UUID:
    """Return the series of ids of what a bulk event's write did."""
    return UUID(str((event.cause or {})["id"]))


async def _walk_changed(unit: Unit, event: Event, *, after: UUID) -> AsyncGenerator[RecordChange]:
    series, recordset_id = series_of(event), event.entity_id
    changed = partial(repository.list_versions, unit, series, recordset_id=recordset_id)
    async for rows in _walk(changed, after=max(after, series_id(series, 0))):
        for entry in rows:
            yield _changed(entry, recordset_id)


async def _walk_created(unit: Unit, event: Event, *, after: UUID) -> AsyncGenerator[RecordChange]:
    series, recordset_id = series_of(event), event.entity_id
    if (event.cause or {}).get("kind") == "import":
        created = partial(repository.list_imported, unit, series, recordset_id=recordset_id)
    else:
        created = partial(repository.list_created, unit, series, recordset_id=recordset_id)
        after = max(after, series_id(series, 0))
    async for rows in _walk(created, after=after):
        states = await _initial_states(unit, rows)
        for entry in rows:
            yield _created(entry, recordset_id, states[entry["id"]])


async def _walk(
    find: Callable[..., Awaitable[list[asyncpg.Record]]], *, after: UUID
) -> AsyncGenerator[list[asyncpg.Record]]:
    while rows := await find(after=after, limit=AT_ONCE):
        yield rows
        after = rows[-1]["id"]


async def _initial_states(unit: Unit, rows: list[asyncpg.Record]) -> dict[UUID, dict[str, Any]]:
    """Return the records as they were created: as they are, with every change since undone, the last first."""
    states = {row["id"]: {name: row[name] for name in ("field_values", *_ATTRIBUTES)} for row in rows}
    changed = [row["id"] for row in rows if row["version"] > 1]
    for entry in await repository.list_states_replaced(unit, changed) if changed else []:
        state, before = states[entry["record_id"]], entry["before"]
        state["field_values"] = {**state["field_values"], **before.get("field_values", {})}
        state.update({name: before[name] for name in _ATTRIBUTES if name in before})
    for state in states.values():
        state["field_values"] = {key: value for key, value in state["field_values"].items() if value is not None}
        state["owner_id"] = None if state["owner_id"] is None else str(state["owner_id"])
    return states


def _changed(row: asyncpg.Record, recordset_id: UUID) -> RecordChange:
    return RecordChange(
        id=row["id"],
        record_id=row["record_id"],
        recordset_id=recordset_id,
        version=row["version"],
        operation=row["operation"],
        before=row["before"],
        after=row["after"] or {},
        changed_by=row["changed_by"],
        changed_at=row["changed_at"],
    )


def _created(row: asyncpg.Record, recordset_id: UUID, state: dict[str, Any]) -> RecordChange:
    return RecordChange(
        id=row["id"],
        record_id=row["record_id"],
        recordset_id=recordset_id,
        version=1,
        operation="create",
        before=None,
        after=state,
        changed_by=row["created_by"],
        changed_at=row["created_at"],
    )
