"""The webhooks that are delivered with a member's rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.webhooks.events import WEBHOOKS_REASSIGNED
from fostr.domains.webhooks.webhooks import repository
from fostr.domains.webhooks.webhooks.service import switch_off
from fostr.kernel.belongings import BelongingKind, record_handover, register_belongings

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.http.context import Context


async def _hand_over(context: Context, *, source: UUID, target: UUID) -> int:
    """Hand webhooks over; unless it is to the caller, they are off until the new owner has agreed.

    They will be told what the new owner may see, at addresses that somebody else has chosen.
    """
    handed = await repository.lock_owned(context.unit, source)
    for webhook in handed:
        if webhook.is_active and target != context.member_id:
            await switch_off(context, webhook, reason="handed_over", now=context.now, owner_id=target)
        elif webhook.is_active or target == context.member_id:
            await repository.update_webhook(context.unit, webhook.id, {"owner_id": target, "updated_at": context.now})
        else:
            off = {"owner_id": target, "disabled_reason": "handed_over", "updated_at": context.now}
            await repository.update_webhook(context.unit, webhook.id, off)
    ids = [webhook.id for webhook in handed]
    await record_handover(
        context, type=WEBHOOKS_REASSIGNED, source=source, target=target, listed_as="webhook_ids", ids=ids
    )
    return len(ids)


async def _switch_off(context: Context, member_id: UUID) -> None:
    for webhook in await repository.lock_owned(context.unit, member_id):
        if webhook.is_active:
            await switch_off(context, webhook, reason="owner_left", now=context.now)


register_belongings(
    BelongingKind(
        name="webhook",
        label="Webhooks",
        columns=frozenset({"webhooks.owner_id"}),
        count=repository.count_owned,
        list=repository.list_owned,
        reassign=_hand_over,
        release=_switch_off,
    )
)
