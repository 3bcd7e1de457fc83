"""What members choose about their mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.notifications.deliveries.events import (
    EMAIL_DELIVERY_UPDATED,
    EMAIL_PAUSED,
    EMAIL_RESUMED,
    SETTINGS,
)
from fostr.domains.notifications.deliveries.planning import plan_anew
from fostr.domains.notifications.email_delivery import repository
from fostr.domains.notifications.email_delivery.schemas import EmailDelivery, PausedEmail
from fostr.kernel.events.outbox import SYSTEM, Cause, record

if TYPE_CHECKING:
    from fostr.domains.notifications.email_delivery.repository import Chosen
    from fostr.domains.notifications.email_delivery.schemas import EmailDeliveryUpdate, Frequency
    from fostr.kernel.events.outbox import Actor
    from fostr.kernel.http.context import Context


async def get_email_delivery(context: Context) -> EmailDelivery:
    """Return how the caller gets their mail in this workspace."""
    return _shown(await repository.find_chosen(context.unit, member_id=context.member_id))


async def update_email_delivery(context: Context, data: EmailDeliveryUpdate) -> EmailDelivery:
    """Choose how mail comes; it holds for what waits to be sent, too."""
    minutes = None if data.digest_frequency_minutes is None else int(data.digest_frequency_minutes)
    await repository.save_mode(
        context.unit,
        member_id=context.member_id,
        mode=data.email_delivery_mode,
        digest_minutes=minutes,
        now=context.now,
    )
    shown = await get_email_delivery(context)
    facts = {**shown.model_dump(exclude={"paused"}), "member_id": str(context.member_id)}
    await record(context, type=EMAIL_DELIVERY_UPDATED, entity=SETTINGS, entity_id=context.member_id, after=facts)
    await plan_anew(context.unit, member_id=context.member_id, now=context.now)
    return shown


async def resume_email(context: Context) -> EmailDelivery:
    """Send mail to the caller's address again, after it was paused."""
    email = await repository.resume(context.unit, member_id=context.member_id, now=context.now)
    if email is not None:
        await _tell(context, EMAIL_RESUMED, email=email)
    return await get_email_delivery(context)


async def pause_email(context: Context, *, email: str) -> None:
    """Send no more mail to a member's address, and have them told in the product.

    Args:
        context: the member's.
        email: the address; when they have another one, mail goes there.
    """
    await repository.pause(context.unit, member_id=context.member_id, email=email, now=context.now)
    # Nobody did it, although it is done with the member's rights.
    await _tell(context, EMAIL_PAUSED, email=email, actor=SYSTEM, cause=Cause("job"))


async def _tell(
    context: Context, type: str, *, email: str, actor: Actor | None = None, cause: Cause | None = None
) -> None:
    facts = {"member_id": str(context.member_id), "email": email}
    await record(
        context, type=type, entity=SETTINGS, entity_id=context.member_id, after=facts, actor=actor, cause=cause
    )


def _shown(chosen: Chosen) -> EmailDelivery:
    frequency: Frequency = "60" if chosen.digest_minutes == 60 else "30"
    paused = None
    if chosen.paused_email is not None and chosen.paused_at is not None:
        paused = PausedEmail(email=chosen.paused_email, since=chosen.paused_at)
    return EmailDelivery(email_delivery_mode=chosen.mode, digest_frequency_minutes=frequency, paused=paused)
