"""Counts by which fields lists are filtered and sorted, in memory, and writes it down from time to time.

A request adds to a dictionary and no more. Once a minute or so, one of them writes what its workspace has gathered in
this process, after its own work is committed: no request waits for a lock that another holds, and what a process
takes with it when it ends is a minute of advice.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from fostr.domains.records.query.conditions import PARAMETER, list_names
from fostr.domains.records.query.filters import parse_object
from fostr.domains.records.usage import repository
from fostr.kernel.db.unit import LOST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from fostr.domains.records.query.selection import RecordQuery
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.domains.records.usage.rules import Uses
    from fostr.kernel.http.context import Context

WRITTEN_AFTER: Final = timedelta(minutes=1)
MOST_WORKSPACES: Final = 5_000
"""Workspaces whose counts a process keeps waiting; beyond, the one that began first is forgotten."""


@dataclass(slots=True)
class _Waiting:
    """What a workspace has gathered since a moment."""

    since: datetime
    uses: dict[tuple[UUID, UUID], Uses] = field(default_factory=dict["tuple[UUID, UUID]", "Uses"])


_waiting: dict[UUID, _Waiting] = {}


def count_uses(reached: Reached, query: RecordQuery) -> None:
    """Count the fields that a list is filtered and sorted by; the query was found to be good."""
    if not query.has_field_filters and query.sort_by is None and query.view is None:
        return
    context = reached.context
    waiting = _wait(context)
    for place, names in enumerate((set(_filtered(query)), set(_sorted(query)))):
        for name in names:
            entry = reached.recordset.by_key.get(name)
            if entry is not None:
                waiting.uses.setdefault((reached.recordset.id, entry.id), [0, 0])[place] += 1
    if context.now - waiting.since >= WRITTEN_AFTER:
        del _waiting[context.workspace_id]
        context.unit.after_commit(partial(_write, context, waiting))


def _wait(context: Context) -> _Waiting:
    waiting = _waiting.get(context.workspace_id)
    if waiting is None:
        if len(_waiting) >= MOST_WORKSPACES:
            del _waiting[next(iter(_waiting))]
        waiting = _waiting[context.workspace_id] = _Waiting(context.now)
    return waiting


def _filtered(query: RecordQuery) -> Iterator[str]:
    for text in (query.column_filters, query.numeric_filters, query.date_filters):
        if text is not None and text.strip():
            yield from parse_object(PARAMETER, text)
    if query.filters is not None and query.filters.strip():
        yield from list_names(parse_object(PARAMETER, query.filters))
    if query.view is not None:
        yield from list_names(query.view.filters)


def _sorted(query: RecordQuery) -> Iterator[str]:
    by_view = query.view.sort_by if query.view is not None else None
    yield from (name.strip() for name in (query.sort_by or by_view or "").split(","))


async def _write(context: Context, waiting: _Waiting) -> None:
    # The list has been answered for; advice is no reason to fail it.
    with suppress(*LOST):
        async with context.open_unit() as unit:
            await repository.add_uses(unit, waiting.uses, day=context.now.date())
