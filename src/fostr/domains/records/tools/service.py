"""What happens to the places of records in tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.tools import repository
from fostr.domains.records.tools.events import DISMISSED, PLACED
from fostr.domains.records.tools.schemas import ToolPlace
from fostr.kernel.events.outbox import record
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.http.errors import NotFound, Unprocessable
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    import asyncpg

    from fostr.domains.records.records.reach import ReachedRecord
    from fostr.domains.records.tools.schemas import ToolPlaceSet

MOST_TOOLS: Final = 100
_SET: Final = ("status", "recommendation", "group_id", "data")


class ToolPlaceNotFound(NotFound):
    """The record has no place in this tool."""

    code = "tool_place_not_found"
    detail = "The record has no place in this tool."


class TooManyTools(Unprocessable):
    """A record has places in so many tools only."""

    code = "too_many_tools"
    detail = f"A record has places in at most {MOST_TOOLS} tools."


async def list_places(target: ReachedRecord) -> list[ToolPlace]:
    """Return a record's places, by the names of the tools."""
    return [_place(row) for row in await repository.list_places(target.unit, target.record.id)]


async def set_place(
    target: ReachedRecord, tool: str, *, data: ToolPlaceSet, expected_version: int | None = None
) -> ToolPlace:
    """Put a record into a tool, or change its place there; what is so already stays untouched.

    Raises:
        TooManyTools: the record has places in too many.
        StaleUpdate: the place was changed since the version that the caller saw.
    """
    before = await repository.find_place(target.unit, target.record.id, tool=tool, lock=True)
    check_version(expected=expected_version or data.expected_version, current=before["version"] if before else 0)
    wanted = data.model_dump(include=set(_SET))
    if before is not None and all(before[name] == wanted[name] for name in _SET):
        return _place(before)
    if before is None and await repository.count_places(target.unit, target.record.id) >= MOST_TOOLS:
        raise TooManyTools
    values = {
        **wanted,
        "id": new_id(),
        "record_id": target.record.id,
        "recordset_id": target.reached.recordset.id,
        "tool": tool,
        "set_by": target.context.member_id,
        "now": target.context.now,
    }
    after = await repository.save_place(target.unit, values)
    await _tell(target, PLACED, before=before, after=after)
    return _place(after)


async def dismiss(target: ReachedRecord, tool: str) -> ToolPlace:
    """Clear a record's status in a tool, so that it is no longer listed there; the record stays as it is.

    Raises:
        ToolPlaceNotFound: it never had one.
    """
    context = target.context
    before = await repository.find_place(target.unit, target.record.id, tool=tool, lock=True)
    if before is None:
        raise ToolPlaceNotFound(tool=tool)
    after = await repository.dismiss_place(
        target.unit, target.record.id, tool=tool, member_id=context.member_id, now=context.now
    )
    if after is None:
        return _place(before)
    await _tell(target, DISMISSED, before=before, after=after)
    return _place(after)


async def _tell(target: ReachedRecord, what: str, *, before: asyncpg.Record | None, after: asyncpg.Record) -> None:
    def facts(row: asyncpg.Record) -> dict[str, Any]:
        told = {name: row[name] for name in ("tool", "status", "recommendation", "group_id")}
        return {"recordset_id": str(target.reached.recordset.id), **told}

    await record(
        target.context,
        type=what,
        entity="record",
        entity_id=target.record.id,
        before=None if before is None else facts(before),
        after=facts(after),
    )


def _place(row: asyncpg.Record) -> ToolPlace:
    return ToolPlace.model_validate(dict(row))
