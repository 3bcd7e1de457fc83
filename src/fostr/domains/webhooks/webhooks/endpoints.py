"""Operations on webhooks."""

from functools import partial
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Response

from fostr.domains.webhooks.errors import (
    EventTypesUnknown,
    HttpsRequired,
    WebhookHeadersInvalid,
    WebhookNotFound,
    WebhookNotOwn,
    WebhookRecordsetsUnknown,
    WebhookSecretLost,
    WebhooksTooMany,
    WebhookTestThrottled,
)
from fostr.domains.webhooks.permissions import MANAGE_WEBHOOKS
from fostr.domains.webhooks.webhooks import service, trying
from fostr.domains.webhooks.webhooks.schemas import (
    NewSecretWebhook,
    SecretRegeneration,
    Webhook,
    WebhookCount,
    WebhookCreate,
    WebhookTestCreate,
    WebhookTestResult,
    WebhookToggle,
    WebhookUpdate,
)
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.late import LateAnswer
from fostr.kernel.http.paging import Page, SkippedSlice
from fostr.kernel.http.routing import Router
from fostr.kernel.outbound.errors import AddressRefused

router = Router(prefix="/webhooks", tags=["Webhooks"])

Manager = Annotated[Context, in_workspace(MANAGE_WEBHOOKS)]
Active = Annotated[bool | None, Query(description="Only those that are switched on, or off.")]

REFUSALS: Final = (
    EventTypesUnknown,
    WebhookHeadersInvalid,
    HttpsRequired,
    AddressRefused,
    WebhookRecordsetsUnknown,
)
IN_A_DAY: Final = SecretRegeneration()
THE_OTHER_WAY: Final = WebhookToggle()


@router.get("")
async def list(context: Manager, part: SkippedSlice, is_active: Active = None) -> Page[Webhook]:  # noqa: A001 - endpoints are bare verbs
    """List the workspace's webhooks.

    The newest come first. Of their secrets only the end is shown.
    """
    return await service.list_webhooks(context, is_active=is_active, part=part)


@router.get("/count")
async def count(context: Manager, is_active: Active = None) -> WebhookCount:
    """Count the workspace's webhooks."""
    return await service.count_webhooks(context, is_active=is_active)


@router.get("/{webhook_id}", responses=raises(WebhookNotFound))
async def get(context: Manager, webhook_id: UUID) -> Webhook:
    """Show a webhook, and only the end of its secret."""
    return await service.get_webhook(context, webhook_id)


@router.post("", status_code=201, responses=raises(*REFUSALS, WebhooksTooMany))
async def create(context: Manager, data: WebhookCreate) -> NewSecretWebhook:
    """Make a webhook.

    The answer holds the secret that signs its messages, this once. It is delivered with the rights of whoever makes it:
    what they may not see at that moment is not sent.
    """
    return await service.create_webhook(context, data=data)


@router.post("/{webhook_id}/regenerate-secret", responses=raises(WebhookNotFound))
async def regenerate_secret(
    context: Manager, webhook_id: UUID, data: SecretRegeneration = IN_A_DAY
) -> NewSecretWebhook:
    """Give a webhook a new secret.

    The answer holds it, this once. For a day, or as long as the body says, messages are signed by the former one as
    well, so that receivers can change over. When the former one is in wrong hands, let that be 0 seconds.
    """
    return await service.regenerate_secret(context, webhook_id, data=data)


@router.post(
    "/{webhook_id}/test",
    response_model=WebhookTestResult,
    responses=raises(WebhookNotFound, EventTypesUnknown, WebhookTestThrottled, WebhookSecretLost),
)
async def test(context: Manager, webhook_id: UUID, data: WebhookTestCreate) -> Response:
    """Send a webhook a test, and say what its receiver answers.

    It looks like an event of the type that is named, and says `"is_test": true`. One that is switched off can be tested
    as well. Nothing is tried again, and nothing counts for or against the webhook; the log of deliveries keeps it.
    """
    trial = await trying.prepare_trial(context, webhook_id, data=data)
    return LateAnswer(partial(trying.run_trial, context, trial))


@router.post("/{webhook_id}/toggle", responses=raises(WebhookNotFound, WebhookNotOwn))
async def toggle(context: Manager, webhook_id: UUID, data: WebhookToggle = THE_OTHER_WAY) -> Webhook:
    """Switch a webhook on or off.

    Without a body it becomes what it is not. What happens while it is off is not sent later by itself.
    """
    return await service.toggle_webhook(context, webhook_id, data=data)


@router.patch("/{webhook_id}", responses=raises(WebhookNotFound, WebhookNotOwn, StaleUpdate, IfMatchInvalid, *REFUSALS))
async def update(context: Manager, webhook_id: UUID, data: WebhookUpdate, expected_version: ExpectedVersion) -> Webhook:
    """Change a webhook.

    It goes on being delivered with its owner's rights, so others change where and what it sends only by taking it over:
    with `take_over`, it is delivered with theirs from then on.
    """
    return await service.update_webhook(context, webhook_id, data=data, expected_version=expected_version)


@router.delete("/{webhook_id}", status_code=204, responses=raises(WebhookNotFound))
async def delete(context: Manager, webhook_id: UUID) -> None:
    """Delete a webhook. Nothing is sent any more; what is kept of its deliveries is forgotten soon after."""
    await service.delete_webhook(context, webhook_id)
