"""Open jobs run with the rights of a member: they are shown before the member leaves, and end when they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.kernel.belongings import Belonging, BelongingKind, register_belongings
from fostr.kernel.jobs.status import list_jobs, request_cancel
from fostr.kernel.jobs.transitions import OPEN

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context

AT_A_TIME: Final = 100


async def _count(unit: Unit, member_id: UUID) -> int:
    _, total = await list_jobs(unit, statuses=OPEN, created_by=member_id, limit=1)
    return total


async def _list(unit: Unit, member_id: UUID, *, limit: int, offset: int) -> list[Belonging]:
    jobs, _ = await list_jobs(unit, statuses=OPEN, created_by=member_id, limit=limit, offset=offset)
    return [Belonging(id=job.id, name=job.name, created_at=job.created_at) for job in jobs]


async def _cancel(context: Context, member_id: UUID) -> None:
    offset = 0
    while jobs := await _list(context.unit, member_id, limit=AT_A_TIME, offset=offset):
        # Those that run stay open until they notice.
        still_open = [job for job in jobs if not (await request_cancel(context.unit, job.id)).is_closed]
        offset += len(still_open)


register_belongings(
    BelongingKind(
        name="job",
        label="Imports, exports and other work under way",
        columns=frozenset(),
        count=_count,
        list=_list,
        release=_cancel,
    )
)
