"""What can be done with tours."""

from fostr.domains.workspaces.events import MEMBER_TOURS_CHANGED
from fostr.domains.workspaces.members.service import check_writes
from fostr.domains.workspaces.members.tours import repository
from fostr.domains.workspaces.members.tours.schemas import Tours, TourUpdate
from fostr.kernel.events.outbox import record
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import Conflict


class TooManyTours(Conflict):
    """Nobody has so many tours."""

    code = "too_many_tours"
    detail = f"A member has at most {repository.MOST_TOURS} tours."


async def list_tours(context: Context) -> Tours:
    return await repository.list_tours(context.unit, member_id=context.member_id)


async def update_tour(context: Context, *, data: TourUpdate) -> Tours:
    check_writes(context)
    before = await list_tours(context)
    if data.tour_id not in before and len(before) >= repository.MOST_TOURS:
        raise TooManyTours
    await repository.save_tour(
        context.unit,
        member_id=context.member_id,
        tour_id=data.tour_id,
        is_completed=data.completed,
        now=context.now,
    )
    return await _tell(context, before=before)


async def reset_tours(context: Context, *, tour_id: str | None) -> Tours:
    check_writes(context)
    before = await list_tours(context)
    await repository.delete_tours(context.unit, member_id=context.member_id, tour_id=tour_id)
    return await _tell(context, before=before)


async def _tell(context: Context, *, before: Tours) -> Tours:
    after = await list_tours(context)
    if after != before:
        await record(
            context,
            type=MEMBER_TOURS_CHANGED,
            entity="member",
            entity_id=context.member_id,
            before={"tours": before},
            after={"tours": after},
        )
    return after
