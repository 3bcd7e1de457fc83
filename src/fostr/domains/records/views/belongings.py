"""The views that belong to a member."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.records.views import repository
from fostr.domains.records.views.events import VIEWS_REASSIGNED
from fostr.domains.records.views.facts import facts_of
from fostr.kernel.belongings import BelongingKind, record_handover, register_belongings
from fostr.kernel.events.outbox import record

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.http.context import Context


async def _hand_over(context: Context, *, source: UUID, target: UUID) -> int:
    handed = await repository.hand_over_views(context.unit, source=source, target=target, now=context.now)
    await record_handover(
        context, type=VIEWS_REASSIGNED, source=source, target=target, listed_as="view_ids", ids=handed
    )
    return len(handed)


async def _end_personal(context: Context, member_id: UUID) -> None:
    # Nobody else could ever see them again. Shared views stay, for those who use them.
    for row in await repository.delete_personal_views(context.unit, member_id):
        await record(context, type="view.deleted", entity="view", entity_id=row["id"], before=facts_of(row))


register_belongings(
    BelongingKind(
        name="view",
        label="Saved views",
        columns=frozenset({"recordset_views.owner_id"}),
        count=repository.count_owned,
        list=repository.list_owned,
        reassign=_hand_over,
        release=_end_personal,
    )
)
