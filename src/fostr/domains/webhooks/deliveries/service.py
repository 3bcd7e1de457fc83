"""What can be done with deliveries: look at them, and have them sent once more."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from fostr.domains.webhooks.deliveries.events import DELIVERIES_REPLAYED
from fostr.domains.webhooks.deliveries.repository import deliveries, lanes
from fostr.domains.webhooks.deliveries.repository.deliveries import Selection
from fostr.domains.webhooks.deliveries.rights import write_again
from fostr.domains.webhooks.deliveries.rules import KEPT_FOR
from fostr.domains.webhooks.deliveries.schemas import (
    WebhookDelivery,
    WebhookDeliveryAttempt,
    WebhookDeliveryPage,
    WebhookDeliverySummary,
    WebhookHealth,
    WebhookReplay,
)
from fostr.domains.webhooks.deliveries.waking import wake
from fostr.domains.webhooks.webhooks.service import find_or_refuse
from fostr.kernel.events.log import find_position
from fostr.kernel.events.outbox import record
from fostr.kernel.http.errors import Conflict, NotFound, Unprocessable

if TYPE_CHECKING:
    from datetime import datetime

    from fostr.domains.webhooks.deliveries.repository.deliveries import StoredAttempt, StoredDelivery
    from fostr.domains.webhooks.deliveries.rules import Status
    from fostr.domains.webhooks.deliveries.schemas import WebhookDeliveryQuery, WebhookReplayCreate
    from fostr.domains.webhooks.webhooks.repository import StoredWebhook
    from fostr.kernel.http.context import Context


class DeliveryNotFound(NotFound):
    """The webhook has no such delivery."""

    code = "delivery_not_found"
    detail = "The webhook has no such delivery."


class WebhookInactive(Conflict):
    """Nothing is sent to a webhook that is switched off."""

    code = "webhook_inactive"
    detail = "The webhook is switched off; switch it on first."


class ReplayInvalid(Unprocessable):
    """The span of time cannot be replayed."""

    code = "replay_invalid"
    detail = "It has to begin within the last 30 days, and to end after that; what was missed is sent up to now."


async def list_deliveries(context: Context, webhook_id: UUID, *, wanted: WebhookDeliveryQuery) -> WebhookDeliveryPage:
    """Return some of a webhook's deliveries, the newest first.

    Raises:
        WebhookNotFound: there is no such webhook.
    """
    await find_or_refuse(context.unit, webhook_id)
    statuses: list[Status] = [] if wanted.status is None else [wanted.status]
    selection = Selection(webhook_id, statuses, wanted.type, wanted.since, wanted.until)
    found = await deliveries.list_deliveries(context.unit, selection, before=wanted.before, limit=wanted.limit + 1)
    items = [_summary(delivery) for delivery in found[: wanted.limit]]
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
    delivery = await deliveries.find_delivery(context.unit, delivery_id, webhook_id=webhook_id)
    if delivery is None:
        raise DeliveryNotFound
    attempts = await deliveries.list_attempts(context.unit, delivery_id)
    is_shown = await _may_see(context, webhook, delivery)
    return WebhookDelivery(
        **_summary(delivery).model_dump(),
        body=delivery.body if is_shown else None,
        attempts=[_attempt(attempt, is_shown=is_shown) for attempt in attempts],
    )


async def replay_delivery(context: Context, webhook_id: UUID, delivery_id: UUID) -> WebhookDeliverySummary:
    """Send a delivery once more, whatever came of it; it is due now, and its schedule begins anew.

    Raises:
        WebhookNotFound: there is no such webhook.
        DeliveryNotFound: it has no such delivery.
        WebhookInactive: nothing is sent to it.
    """
    webhook = await _find_active(context, webhook_id)
    if await deliveries.find_delivery(context.unit, delivery_id, webhook_id=webhook_id) is None:
        raise DeliveryNotFound
    count = await deliveries.replay_deliveries(
        context.unit, Selection(webhook_id), delivery_id=delivery_id, with_waiting=True, now=context.now
    )
    await wake(context.unit, [webhook_id])
    await _tell(context, webhook, status="one", delivery_id=delivery_id, count=count)
    replayed = await deliveries.find_delivery(context.unit, delivery_id, webhook_id=webhook_id)
    if replayed is None:
        raise DeliveryNotFound
    return _summary(replayed)


async def replay(context: Context, webhook_id: UUID, *, data: WebhookReplayCreate) -> WebhookReplay:
    """Send once more what a webhook was sent in vain since a time, or all, or what it was never sent.

    Raises:
        WebhookNotFound: there is no such webhook.
        WebhookInactive: nothing is sent to it.
        ReplayInvalid: there is no such span of time to be replayed.
    """
    webhook = await _find_active(context, webhook_id)
    _check_span(data, now=context.now)
    count = None
    if data.status == "missed":
        await _read_again(context, webhook_id, since=data.since)
    else:
        selection = Selection(
            webhook_id, ["failed"] if data.status == "failed" else [], since=data.since, until=data.until
        )
        count = await deliveries.replay_deliveries(context.unit, selection, with_waiting=True, now=context.now)
    await wake(context.unit, [webhook_id])
    await _tell(context, webhook, status=data.status, since=data.since, until=data.until, count=count)
    return WebhookReplay(count=count)


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
        failing_since=webhook.failing_since,
        last_success_at=None if lane is None else lane.last_success_at,
        last_failure_at=None if lane is None else lane.last_failure_at,
        read_to=None if lane is None else lane.event_id,
    )


async def _find_active(context: Context, webhook_id: UUID) -> StoredWebhook:
    webhook = await find_or_refuse(context.unit, webhook_id)
    if not webhook.is_active:
        raise WebhookInactive
    return webhook


def _check_span(data: WebhookReplayCreate, *, now: datetime) -> None:
    # What is older was forgotten, and would be taken for what was never sent.
    if data.since < now - KEPT_FOR:
        raise ReplayInvalid
    if data.until is not None and (data.until <= data.since or data.status == "missed"):
        raise ReplayInvalid


async def _read_again(context: Context, webhook_id: UUID, *, since: datetime) -> None:
    """Have the log read again from a time; what became a message already does not become another."""
    lane = await lanes.lock_lane(context.unit, webhook_id)
    first = await deliveries.find_first_event(context.unit, since=UUID(int=int(since.timestamp() * 1000) << 80))
    if lane is None or first is None:
        return
    place = None if lane.event_id is None else await find_position(context.unit, lane.event_id)
    if place is None or first < place:
        before = await deliveries.find_event_before(context.unit, first)
        await lanes.rewind_lane(context.unit, webhook_id, event_id=before)


async def _may_see(context: Context, webhook: StoredWebhook, delivery: StoredDelivery) -> bool:
    return delivery.status != "withheld" and await write_again(context, webhook, delivery) == delivery.body


async def _tell(
    context: Context,
    webhook: StoredWebhook,
    *,
    status: str,
    count: int | None,
    delivery_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> None:
    facts = {
        "name": webhook.name,
        "status": status,
        "delivery_id": None if delivery_id is None else str(delivery_id),
        "since": None if since is None else since.isoformat(),
        "until": None if until is None else until.isoformat(),
        "count": count,
    }
    await record(context, type=DELIVERIES_REPLAYED, entity="webhook", entity_id=webhook.id, after=facts)


def _summary(delivery: StoredDelivery) -> WebhookDeliverySummary:
    return WebhookDeliverySummary(
        id=delivery.id,
        message_id=delivery.message_id,
        event_id=delivery.event_id,
        type=delivery.type,
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
