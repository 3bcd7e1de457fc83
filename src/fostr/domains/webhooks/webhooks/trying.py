"""Testing a webhook: one message, sent at once, that simulates an event, and is kept in the log of deliveries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fostr.domains.webhooks.deliveries.outcomes import note_test
from fostr.domains.webhooks.errors import EventTypesUnknown
from fostr.domains.webhooks.events import WEBHOOK_TESTED
from fostr.domains.webhooks.examples import make_example
from fostr.domains.webhooks.messages import compose_test_body
from fostr.domains.webhooks.sending import Message, Target, send
from fostr.domains.webhooks.webhooks.rules import TESTS, list_sent_types
from fostr.domains.webhooks.webhooks.schemas import WebhookTestResult
from fostr.domains.webhooks.webhooks.sealing import open_target
from fostr.domains.webhooks.webhooks.service import find_or_refuse
from fostr.kernel.events.catalogue import get_event_type
from fostr.kernel.events.consumers import Event
from fostr.kernel.events.outbox import record
from fostr.kernel.ids import new_id
from fostr.kernel.limits.limit import check_limit

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.webhooks.webhooks.repository import StoredWebhook
    from fostr.domains.webhooks.webhooks.schemas import WebhookTestCreate
    from fostr.kernel.events.catalogue import EventType
    from fostr.kernel.http.context import Context


@dataclass(frozen=True, slots=True)
class WebhookTrial:
    """A test that is ready to be sent."""

    webhook: StoredWebhook
    target: Target
    message: Message


async def prepare_trial(context: Context, webhook_id: UUID, *, data: WebhookTestCreate) -> WebhookTrial:
    """Return what is to be sent, also to a webhook that is switched off.

    Raises:
        WebhookNotFound: there is none.
        EventTypesUnknown: webhooks are not told of such events.
        WebhookTestThrottled: it was tested often enough.
        WebhookSecretLost: nothing can be signed with its secret.
    """
    webhook = await find_or_refuse(context.unit, webhook_id)
    if data.event not in list_sent_types():
        raise EventTypesUnknown(event_types=[data.event])
    await check_limit(context.runtime.database, TESTS, subject=str(webhook_id))
    event = _simulate(context, get_event_type(data.event))
    body = compose_test_body(event, data.payload, payload=webhook.payload)
    target = open_target(context.runtime.keys, webhook, workspace=context.workspace_id, now=context.now)
    return WebhookTrial(webhook, target, Message(str(event.id), event.type, context.now, body))


async def run_trial(context: Context, trial: WebhookTrial) -> WebhookTestResult:
    """Send it, note what came of it, and say so.

    Args:
        context: the request, whose transaction has ended.
        trial: what is sent.
    """
    attempt = await send(context.runtime, trial.target, trial.message)
    told = {
        "name": trial.webhook.name,
        "event": trial.message.type,
        "success": attempt.succeeded,
        "status_code": attempt.status_code,
    }
    async with context.open_unit() as unit:
        delivery_id = await note_test(
            unit,
            trial.message,
            attempt,
            target=trial.target,
            rights_epoch=context.access.rights_epoch,
            now=context.now,
        )
        await record(
            replace(context, unit=unit),
            type=WEBHOOK_TESTED,
            entity="webhook",
            entity_id=trial.webhook.id,
            after=told,
        )
    return WebhookTestResult(
        delivery_id=delivery_id,
        success=attempt.succeeded,
        status_code=attempt.status_code,
        message=attempt.message,
        duration_ms=attempt.duration_ms,
        response_body=attempt.response_body,
    )


def _simulate(context: Context, event_type: EventType) -> Event:
    """Return an event of a type that never happened."""
    facts: dict[str, Any] | None = None
    if event_type.schema is not None:
        facts = make_example(event_type.schema.model_json_schema())
    happened = event_type.name.rpartition(".")[2]
    return Event(
        id=new_id(),
        workspace_id=context.workspace_id,
        type=event_type.name,
        version=event_type.version,
        entity=event_type.entity,
        entity_id=new_id(),
        actor={"member_id": str(context.member_id), "kind": context.principal.kind},
        before=None if happened == "created" else facts,
        after=None if happened == "deleted" else facts,
        cause=None,
        created_at=context.now,
    )
