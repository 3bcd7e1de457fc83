"""What of this domain can belong to a member."""

from uuid import UUID

from fostr.domains.workspaces.events import TEAMS_REASSIGNED
from fostr.domains.workspaces.members.offboarding import repository
from fostr.domains.workspaces.members.service import get_member
from fostr.kernel.belongings import Belonging, BelongingKind, record_handover, register_belongings
from fostr.kernel.db.unit import Unit
from fostr.kernel.http.context import Context


async def _hand_over_teams(context: Context, *, source: UUID, target: UUID) -> int:
    team_ids = await repository.hand_over_teams(context.unit, source=source, target=target)
    await record_handover(
        context, type=TEAMS_REASSIGNED, source=source, target=target, listed_as="team_ids", ids=team_ids
    )
    return len(team_ids)


async def _leave_teams(context: Context, member_id: UUID) -> None:
    await repository.leave_teams(context.unit, member_id=member_id)


async def _count_keys(unit: Unit, member_id: UUID) -> int:
    member = await get_member(unit, member_id=member_id)
    return await repository.count_keys_of(unit, user_id=member.user_id)


async def _list_keys(unit: Unit, member_id: UUID, *, limit: int, offset: int) -> list[Belonging]:
    member = await get_member(unit, member_id=member_id)
    return await repository.list_keys_of(unit, user_id=member.user_id, limit=limit, offset=offset)


register_belongings(
    BelongingKind(
        name="team_lead",
        label="Teams led",
        columns=frozenset({"team_members.member_id"}),
        count=repository.count_led_teams,
        list=repository.list_led_teams,
        reassign=_hand_over_teams,
        release=_leave_teams,
    ),
    # A key acts with the rights of whoever made it, so nobody else can have it: whoever holds its secret would come by
    # the rights of another. Keys are revoked by the removal itself.
    BelongingKind(
        name="api_key",
        label="API keys",
        columns=frozenset(),
        count=_count_keys,
        list=_list_keys,
    ),
)
