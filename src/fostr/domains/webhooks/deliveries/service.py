"""What can be done with deliveries: look at them, and give them up; see `replaying` for sending them once more."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from fostr.domains.webhooks.deliveries.events import DELIVERY_CANCELLED
from fostr.domains.webhooks.deliveries.outcomes import tell_of_delivery
from fostr.domains.webhooks.deliveries.repository import deliveries, lanes
from fostr.domains.webhooks.deliveries.repository.deliveries import Selection
from fostr.domains.webhooks.deliveries.rights import write_again
from fostr.domains.webhooks.deliveries.schemas import (
    WebhookDelivery,
    WebhookDeliveryAttempt,
    WebhookDeliveryPage,
    WebhookDeliverySummary,
    WebhookHealth,
)
from fostr.domains.webhooks.deliveries.waking import wake
from fostr.domains.webhooks.errors import DeliveryNotFound, DeliveryNotPending
from fostr.domains.webhooks.webhooks.rules import list_sent_types, listens_to
from fostr.domains.webhooks.webhooks.service import find_or_refuse

if TYPE_CHECKING:
    from fostr.domains.webhooks.deliveries.repository.deliveries import StoredAttempt, StoredDelivery
    from fostr.domains.webhooks.deliveries.schemas import WebhookDeliveryQuery
    from fostr.domains.webhooks.webhooks.repository import StoredWebhook
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context


async def list_deliveries(context: Context, webhook_id: UUID, *, wanted: WebhookDeliveryQuery) -> WebhookDeliveryPage:
    """Return some of a webhook's deliveries, the newest first.

    Raises:
        WebhookNotFound: there is no such webhook.
    """
    await find_or_refuse(context.unit, webhook_id)
    selection = Selection(
        webhook_id,
        status=wanted.status,
        types=None if wanted.type is None else _read_type(wanted.type),
        event_id=wanted.event_id,
        message_id=wanted.message_id,
        is_test=wanted.is_test,
        since=wanted.since,
        until=wanted.until,
    )
    found = await deliveries.list_deliveries(context.unit, selection, before=wanted.before, limit=wanted.limit + 1)
    items = [summarise(delivery) for delivery in found[: wanted.limit]]
    has_more = len(found) > wanted.limit
    return WebhookDeliveryPage(items=items, has_more=has_more, next=items[-1].id if has_more else None)


async def get_delivery(context: Context, webhook_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """Return a delivery with its attempts, and what it says as far as the caller may see all of that.

    The message was written for the webhook's owner, who may see more than others that manage webhooks.

    Raises:
        WebhookNotFound: there is no such webhook.
        DeliveryNotFound: it has no such delivery.
    """
    webhook = await find_or_refuse(context.unit, webhook_id)
    delivery = await find_delivery_or_refuse(context.unit, webhook_id, delivery_id)
    attempts = await deliveries.list_attempts(context.unit, delivery_id)
    is_shown = await _may_see(context, webhook, delivery)
    return WebhookDelivery(
        **summarise(delivery).model_dump(),
        body=delivery.body if is_shown else None,
        attempts=[_attempt(attempt, is_shown=is_shown) for attempt in attempts],
    )


async def cancel_delivery(context: Context, webhook_id: UUID, delivery_id: UUID) -> WebhookDeliverySummary:
    """Give up a delivery that is still to be sent: those that wait for it go on.

    Raises:
        WebhookNotFound: there is no such webhook.
        DeliveryNotFound: it has no such delivery.
        DeliveryNotPending: it is not to be sent any more.
    """
    webhook = await find_or_refuse(context.unit, webhook_id)
    await find_delivery_or_refuse(context.unit, webhook_id, delivery_id)
    if not await deliveries.cancel_delivery(context.unit, delivery_id, now=context.now):
        raise DeliveryNotPending
    await wake(context.unit, [webhook_id])
    cancelled = await find_delivery_or_refuse(context.unit, webhook_id, delivery_id)
    await tell_of_delivery(context, webhook, cancelled, type=DELIVERY_CANCELLED)
    return summarise(cancelled)


async def find_delivery_or_refuse(unit: Unit, webhook_id: UUID, delivery_id: UUID) -> StoredDelivery:
    """Return a delivery of a webhook as it is kept, or refuse."""
    delivery = await deliveries.find_delivery(unit, delivery_id, webhook_id=webhook_id)
    if delivery is None:
        raise DeliveryNotFound
    return delivery


def _read_type(wanted: str) -> list[str]:
    """Return the types that somebody means who names a type, or a group of them."""
    return [wanted, *(name for name in list_sent_types() if listens_to([wanted], name))]


async def get_health(context: Context, webhook_id: UUID) -> WebhookHealth:
    """Return how a webhook does.

    Raises:
        WebhookNotFound: there is no such webhook.
    """
    webhook = await find_or_refuse(context.unit, webhook_id)
    lane = await lanes.find_lane(context.unit, webhook_id)
    clock = None if lane is None else lane.clock(webhook.failing_since)
    return WebhookHealth(
        pending=await deliveries.count_pending(context.unit, webhook_id),
        next_attempt_at=await deliveries.find_next_moment(context.unit, webhook_id),
        failures=0 if clock is None else clock.failures,
        is_held=clock is not None and clock.is_held,
        paused_until=None if clock is None or not clock.is_paused(context.now) else clock.paused_until,
        failing_since=webhook.failing_since,
        last_success_at=None if lane is None else lane.last_success_at,
        last_failure_at=None if lane is None else lane.last_failure_at,
        read_to=None if lane is None else lane.event_id,
    )


async def _may_see(context: Context, webhook: StoredWebhook, delivery: StoredDelivery) -> bool:
    if delivery.is_test:
        # It tells of nothing that happened.
        return True
    return delivery.status != "withheld" and await write_again(context, webhook, delivery) == delivery.body


def summarise(delivery: StoredDelivery) -> WebhookDeliverySummary:
    """Return a delivery as it is listed."""
    return WebhookDeliverySummary(
        id=delivery.id,
        message_id=delivery.message_id,
        event_id=delivery.event_id,
        type=delivery.type,
        is_test=delivery.is_test,
        status=delivery.status,
        attempt_count=delivery.attempts,
        next_attempt_at=delivery.next_attempt_at,
        last_status_code=delivery.last_status_code,
        last_error=delivery.last_error,
        created_at=delivery.created_at,
        finished_at=delivery.finished_at,
    )


def _attempt(attempt: StoredAttempt, *, is_shown: bool) -> WebhookDeliveryAttempt:
    return WebhookDeliveryAttempt(
        number=attempt.number,
        url=attempt.url,
        started_at=attempt.started_at,
        duration_ms=attempt.duration_ms,
        status_code=attempt.status_code,
        error=attempt.error,
        message=attempt.message,
        request_headers=attempt.request_headers,
        response_headers=attempt.response_headers,
        # A receiver may say back what it was told.
        response_body=attempt.response_body if is_shown else None,
    )
