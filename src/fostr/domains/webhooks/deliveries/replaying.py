"""Sending once more: one message, those of a span of time, and what was never sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.webhooks.deliveries.events import DELIVERIES_REPLAYED
from fostr.domains.webhooks.deliveries.repository import deliveries, lanes
from fostr.domains.webhooks.deliveries.repository.deliveries import Selection
from fostr.domains.webhooks.deliveries.rules import KEPT_FOR
from fostr.domains.webhooks.deliveries.schemas import WebhookDeliverySummary, WebhookReplay
from fostr.domains.webhooks.deliveries.service import find_delivery_or_refuse, summarise
from fostr.domains.webhooks.deliveries.waking import dispatch_replay, wake
from fostr.domains.webhooks.errors import (
    DeliveryIsTest,
    ReplayInvalid,
    WebhookInactive,
    WebhookReplayThrottled,
)
from fostr.domains.webhooks.webhooks import repository as webhooks
from fostr.domains.webhooks.webhooks.service import find_or_refuse
from fostr.kernel import clock
from fostr.kernel.events.log import find_position
from fostr.kernel.events.outbox import record
from fostr.kernel.limits.limit import Limit, check_limit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from fostr.domains.webhooks.deliveries.rules import Status
    from fostr.domains.webhooks.deliveries.schemas import WebhookReplayCreate
    from fostr.domains.webhooks.webhooks.repository import StoredWebhook
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context

REPLAYS: Final = Limit(WebhookReplayThrottled, per="webhook", most=10, window=timedelta(minutes=1))
REPLAYED_AT_ONCE: Final = 500
"""Deliveries that one transaction makes due; a job goes on with those that are left."""
NOTHING: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a replay.

    Attributes:
        selection: all of it.
        after: the delivery behind which it goes on.
    """

    selection: Selection
    after: UUID = NOTHING

    def write(self) -> dict[str, str | None]:
        """Return it as a job is given it."""
        since, until = self.selection.since, self.selection.until
        return {
            "webhook_id": str(self.selection.webhook_id),
            "status": self.selection.status,
            "since": since and since.isoformat(),
            "until": until and until.isoformat(),
            "after": str(self.after),
        }

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Return it from what a job was given."""
        since, until = (given[name] and datetime.fromisoformat(given[name]) for name in ("since", "until"))
        selection = Selection(UUID(given["webhook_id"]), given["status"], since=since, until=until)
        return cls(selection, UUID(given["after"]))


async def replay_delivery(context: Context, webhook_id: UUID, delivery_id: UUID) -> WebhookDeliverySummary:
    """Send a delivery once more, whatever came of it; it is due now, and its schedule begins anew.

    Raises:
        WebhookNotFound: there is no such webhook.
        DeliveryNotFound: it has no such delivery.
        DeliveryIsTest: it is a test, of which there is nothing to be told.
        WebhookInactive: nothing is sent to it.
    """
    webhook = await _find_active(context, webhook_id)
    if (await find_delivery_or_refuse(context.unit, webhook_id, delivery_id)).is_test:
        raise DeliveryIsTest
    # Whoever asks for this knows that the receiver is there again.
    await lanes.end_pause(context.unit, webhook_id)
    await deliveries.replay_delivery(context.unit, delivery_id, now=context.now)
    await wake(context.unit, [webhook_id])
    await _tell(context, webhook, status="one", delivery_id=delivery_id, count=1)
    return summarise(await find_delivery_or_refuse(context.unit, webhook_id, delivery_id))


async def replay(context: Context, webhook_id: UUID, *, data: WebhookReplayCreate) -> WebhookReplay:
    """Send once more what a webhook was sent in vain since a time, or all, or what it was never sent.

    Raises:
        WebhookNotFound: there is no such webhook.
        WebhookInactive: nothing is sent to it.
        ReplayInvalid: there is no such span of time to be replayed.
        WebhookReplayThrottled: that was asked for often enough.
    """
    webhook = await _find_active(context, webhook_id)
    _check_span(data, now=context.now)
    await check_limit(context.runtime.database, REPLAYS, subject=str(webhook_id))
    # Whoever asks for this knows that the receiver is there again.
    await lanes.end_pause(context.unit, webhook_id)
    count: int | None = None
    if data.status == "missed":
        await _read_again(context, webhook_id, since=data.since)
        await wake(context.unit, [webhook_id])
    else:
        status: Status | None = "failed" if data.status == "failed" else None
        selection = Selection(webhook_id, status, since=data.since, until=data.until)
        count, rest = await replay_part(context.unit, Rest(selection))
        if rest is not None:
            # What is enqueued from now on is no part of it, however long it takes.
            bounded = replace(selection, until=data.until or context.now)
            await dispatch_replay(context.unit, replace(rest, selection=bounded).write())
            count = None
    await _tell(context, webhook, status=data.status, since=data.since, until=data.until, count=count)
    return WebhookReplay(count=count)


async def replay_part(unit: Unit, rest: Rest) -> tuple[int, Rest | None]:
    """Make a part of a replay due; return how many deliveries that are, and what is left, if anything is.

    Nothing is left where the webhook was switched off or deleted meanwhile.
    """
    selection = rest.selection
    webhook = await webhooks.find_webhook(unit, selection.webhook_id)
    if webhook is None or not webhook.is_active:
        return 0, None
    count, last = await deliveries.replay_deliveries(
        unit, selection, after=rest.after, limit=REPLAYED_AT_ONCE, now=clock.now()
    )
    await wake(unit, [selection.webhook_id])
    return count, None if last is None else replace(rest, after=last)


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
