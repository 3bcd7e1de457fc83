"""Operations on what webhooks were sent."""

from typing import Annotated
from uuid import UUID

from fostr.domains.webhooks.deliveries import explaining, replaying, service
from fostr.domains.webhooks.deliveries.schemas import (
    WantedDeliveries,
    WebhookDelivery,
    WebhookDeliveryPage,
    WebhookDeliverySummary,
    WebhookEventOutcome,
    WebhookHealth,
    WebhookReplay,
    WebhookReplayCreate,
)
from fostr.domains.webhooks.errors import (
    DeliveryIsTest,
    DeliveryNotFound,
    DeliveryNotPending,
    ReplayInvalid,
    WebhookEventNotFound,
    WebhookInactive,
    WebhookNotFound,
    WebhookReplayThrottled,
)
from fostr.domains.webhooks.permissions import MANAGE_WEBHOOKS
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router

router = Router(prefix="/webhooks/{webhook_id}", tags=["Webhooks"])

Manager = Annotated[Context, in_workspace(MANAGE_WEBHOOKS)]


@router.get("/deliveries", responses=raises(WebhookNotFound))
async def list(context: Manager, webhook_id: UUID, wanted: WantedDeliveries) -> WebhookDeliveryPage:  # noqa: A001 - endpoints are bare verbs
    """List what a webhook was sent, or is to be sent.

    The newest come first. They are kept for 30 days.
    """
    return await service.list_deliveries(context, webhook_id, wanted=wanted)


@router.get("/deliveries/{delivery_id}", responses=raises(WebhookNotFound, DeliveryNotFound))
async def get(context: Manager, webhook_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """Show a message, each attempt to send it, and what the receiver answered.

    What it says is shown to those who may see all that it tells.
    """
    return await service.get_delivery(context, webhook_id, delivery_id)


@router.get("/events/{event_id}", responses=raises(WebhookNotFound, WebhookEventNotFound))
async def explain(context: Manager, webhook_id: UUID, event_id: UUID) -> WebhookEventOutcome:
    """Say what became of an event for a webhook: whether it is told of it, and why it is not."""
    outcome = await explaining.explain(context, webhook_id, event_id)
    return WebhookEventOutcome(outcome=outcome, message=explaining.SENTENCES[outcome])


@router.post(
    "/deliveries/{delivery_id}/replay",
    status_code=202,
    responses=raises(WebhookNotFound, DeliveryNotFound, WebhookInactive, DeliveryIsTest),
)
async def replay_one(context: Manager, webhook_id: UUID, delivery_id: UUID) -> WebhookDeliverySummary:
    """Send a message once more, now, whatever came of it.

    It goes with the same id and says the same, unless the webhook's owner may see less or more of it by now. Where it
    fails, it is tried again as if it were new.
    """
    return await replaying.replay_delivery(context, webhook_id, delivery_id)


@router.post(
    "/deliveries/{delivery_id}/cancel", responses=raises(WebhookNotFound, DeliveryNotFound, DeliveryNotPending)
)
async def cancel(context: Manager, webhook_id: UUID, delivery_id: UUID) -> WebhookDeliverySummary:
    """Give up a message that is still to be sent, such as one that holds up all others of an ordered webhook.

    An attempt that is under way at this moment may reach the receiver still. It can be sent once more later.
    """
    return await service.cancel_delivery(context, webhook_id, delivery_id)


@router.post(
    "/replay",
    status_code=202,
    responses=raises(WebhookNotFound, WebhookInactive, ReplayInvalid, WebhookReplayThrottled),
)
async def replay(context: Manager, webhook_id: UUID, data: WebhookReplayCreate) -> WebhookReplay:
    """Send the messages of a span of time once more: those that failed, all of them, or those that were never sent.

    What was missed, as while the webhook was switched off, is read from the log, from `since` up to now. This can be
    asked for ten times a minute.
    """
    return await replaying.replay(context, webhook_id, data=data)


@router.get("/health", responses=raises(WebhookNotFound))
async def health(context: Manager, webhook_id: UUID) -> WebhookHealth:
    """Show how a webhook does: what waits, and whether its receiver takes anything."""
    return await service.get_health(context, webhook_id)
