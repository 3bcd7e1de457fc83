"""One change for each record, out of the one event of a bulk write.

A bulk event is about a recordset, and its cause has an id and a count. The versions that the write made, and the
records that it created, have ids of the series that the cause's id begins; records that an import created carry its id
instead. So a reader that needs one change for each record finds them without a scan, page by page, whenever it reads.
"""

from __future__ import annotations

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
        version: the one that it made.
        operation: `create`, `update`, `delete` or `restore`.
        before: what changed, as it was: `field_values` with the changed keys, and any of `status`, `tags` and
            `owner_id` that changed; None for a new record.
        after: the same, as it became; of a new record, everything.
    """

    record_id: UUID
    recordset_id: UUID
    version: int
    operation: str
    before: dict[str, Any] | None
    after: dict[str, Any]
    changed_by: UUID | None
    changed_at: datetime


async def expand_event(unit: Unit, event: Event) -> AsyncGenerator[RecordChange]:
    """Yield what a bulk event's write did to each record of its recordset: first what it changed, then what it created.

    Nothing for an event of another kind, and nothing of records that are gone for good.

    Args:
        unit: bound to the event's workspace.
        event: an event about a recordset, with a cause that counts.
    """
    cause = event.cause or {}
    if event.entity != "recordset" or cause.get("count") is None or not cause.get("id"):
        return
    series, recordset_id = UUID(str(cause["id"])), event.entity_id
    changed = partial(repository.list_versions, unit, series, recordset_id=recordset_id)
    async for row in _walk(changed, after=series_id(series, 0)):
        for entry in row:
            yield _changed(entry, recordset_id)
    if cause.get("kind") == "import":
        created = partial(repository.list_imported, unit, series, recordset_id=recordset_id)
        first = _FIRST
    else:
        created = partial(repository.list_created, unit, series, recordset_id=recordset_id)
        first = series_id(series, 0)
    async for rows in _walk(created, after=first):
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
        record_id=row["record_id"],
        recordset_id=recordset_id,
        version=1,
        operation="create",
        before=None,
        after=state,
        changed_by=row["created_by"],
        changed_at=row["created_at"],
    )
