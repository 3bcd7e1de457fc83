"""Note what came of attempts: where each delivery goes, how the webhook does, and whom that concerns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.webhooks.deliveries.events import DELIVERY_EXHAUSTED
from fostr.domains.webhooks.deliveries.repository import deliveries, lanes
from fostr.domains.webhooks.deliveries.rules import (
    LAST,
    OPEN,
    TRANSITIONS,
    Clock,
    Verdict,
    find_pause,
    judge,
    next_attempt,
)
from fostr.domains.webhooks.webhooks import repository as webhooks
from fostr.domains.webhooks.webhooks.service import switch_off
from fostr.kernel.events.outbox import record
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from fostr.domains.webhooks.deliveries.repository.deliveries import StoredDelivery
    from fostr.domains.webhooks.deliveries.repository.lanes import Lane
    from fostr.domains.webhooks.sending import Attempt, Message, Target
    from fostr.domains.webhooks.webhooks.repository import StoredWebhook
    from fostr.domains.webhooks.webhooks.rules import DisabledReason
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context

SIGNATURE: Final = "webhook-signature"
NOTED_EVERY: Final = timedelta(seconds=1)
"""A success that follows on another is noted at most this often, so that what goes well is not written each time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """An attempt at a delivery, and what came of it.

    Attributes:
        url: where it was sent, which may not be the webhook's address any more.
    """

    delivery: StoredDelivery
    attempt: Attempt
    url: str

    @property
    def tries(self) -> int:
        """Attempts of the schedule that is under way, this one included."""
        return self.delivery.tries + 1

    @property
    def verdict(self) -> Verdict:
        """What it means for the message."""
        return judge(self.attempt, tries=self.tries)


async def note(unit: Unit, webhook: StoredWebhook, lane: Lane, outcomes: Sequence[Outcome], *, now: datetime) -> Clock:
    """Write down what came of some attempts; return how long the webhook has been failing by now.

    Args:
        unit: the transaction.
        webhook: whose receiver was tried.
        lane: its lane.
        outcomes: in the order in which they came.
        now: the present.
    """
    moved = await deliveries.save_outcomes(unit, [_row(outcome, now=now) for outcome in outcomes])
    for outcome in outcomes:
        if outcome.verdict == "exhausted" and outcome.delivery.id in moved:
            await _tell_exhausted(unit, webhook, outcome)
    before = clock = lane.clock(webhook.failing_since)
    for outcome in outcomes:
        clock = clock.count(succeeded=outcome.verdict in ("received", "refused"), now=now)
        clock = clock.pause(find_pause(outcome.attempt, now=now))
    if clock.failing_since != before.failing_since:
        await webhooks.note_failing(unit, webhook.id, since=clock.failing_since)
    succeeded = any(outcome.attempt.succeeded for outcome in outcomes)
    failed = any(not outcome.attempt.succeeded for outcome in outcomes)
    if clock != before or failed or _is_old(lane.last_success_at, now):
        await lanes.save_clock(
            unit,
            webhook.id,
            clock,
            last_success_at=now if succeeded else None,
            last_failure_at=now if failed else None,
        )
    return clock


async def note_test(
    unit: Unit, message: Message, attempt: Attempt, *, target: Target, rights_epoch: int, now: datetime
) -> UUID | None:
    """Keep a test in the log, and return its id there; nothing where its webhook was deleted meanwhile.

    It counts neither for the webhook nor against it.
    """
    # Locked, so that it is not deleted before the test is in the log, with which it will be forgotten.
    if await webhooks.find_webhook(unit, target.webhook_id, lock=True) is None:
        return None
    delivery_id = new_id()
    await deliveries.insert_test(
        unit,
        {
            "id": delivery_id,
            "webhook_id": target.webhook_id,
            "message_id": UUID(message.id),
            "event_id": UUID(message.id),
            "type": message.type,
            "body": message.body.decode(),
            "rights_epoch": rights_epoch,
            "status": TRANSITIONS[judge(attempt, tries=LAST)],
            "last_status_code": attempt.status_code,
            "last_error": attempt.error,
            "created_at": now,
            "finished_at": now,
        },
        {"id": new_id(), **_describe(attempt, url=target.url)},
    )
    return delivery_id


async def give_up(unit: Unit, webhook: StoredWebhook, *, reason: DisabledReason, now: datetime) -> StoredWebhook:
    """Switch off a webhook that cannot go on, unless somebody already has, and return it."""
    locked = await webhooks.find_webhook(unit, webhook.id, lock=True)
    if locked is None or not locked.is_active:
        return locked or webhook
    return await switch_off(unit, locked, reason=reason, now=now)


def _is_old(moment: datetime | None, now: datetime) -> bool:
    return moment is None or now - moment >= NOTED_EVERY


def _row(outcome: Outcome, *, now: datetime) -> dict[str, Any]:
    attempt, verdict = outcome.attempt, outcome.verdict
    status = TRANSITIONS[verdict]
    again = next_attempt(attempt, tries=outcome.tries, now=now) if status == OPEN else None
    return {
        "id": outcome.delivery.id,
        "attempt_id": new_id(),
        "status": status,
        "tries": outcome.tries,
        "next_attempt_at": again,
        "finished_at": None if again is not None else now,
        **_describe(attempt, url=outcome.url),
    }


def _describe(attempt: Attempt, *, url: str) -> dict[str, Any]:
    """Return an attempt as it is kept."""
    return {
        "url": url,
        "started_at": attempt.started_at,
        "duration_ms": attempt.duration_ms,
        "status_code": attempt.status_code,
        "error": attempt.error,
        "message": attempt.message,
        "request_headers": {name: value for name, value in attempt.request_headers.items() if name != SIGNATURE},
        "response_headers": attempt.response_headers,
        "response_body": attempt.response_body,
    }


async def _tell_exhausted(unit: Unit, webhook: StoredWebhook, outcome: Outcome) -> None:
    made = replace(
        outcome.delivery,
        attempts=outcome.delivery.attempts + 1,
        last_status_code=outcome.attempt.status_code,
        last_error=outcome.attempt.error,
    )
    await tell_of_delivery(unit, webhook, made, type=DELIVERY_EXHAUSTED)


async def tell_of_delivery(
    source: Context | Unit, webhook: StoredWebhook, delivery: StoredDelivery, *, type: str
) -> None:
    """Record that a delivery came to its end without having been received."""
    facts = {
        "name": webhook.name,
        "delivery_id": str(delivery.id),
        "message_id": str(delivery.message_id),
        "type": delivery.type,
        "attempts": delivery.attempts,
        "status_code": delivery.last_status_code,
        "error": delivery.last_error,
    }
    await record(source, type=type, entity="webhook", entity_id=webhook.id, after=facts)
