"""What can be done with webhooks: who may, what is written, what is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fostr.domains.records import public as records
from fostr.domains.webhooks.deliveries.waking import dispatch_forgetting
from fostr.domains.webhooks.errors import (
    WebhookNotFound,
    WebhookNotOwn,
    WebhookRecordsetsUnknown,
    WebhooksTooMany,
)
from fostr.domains.webhooks.events import (
    WEBHOOK_CREATED,
    WEBHOOK_DELETED,
    WEBHOOK_DISABLED,
    WEBHOOK_ENABLED,
    WEBHOOK_SECRET_REGENERATED,
    WEBHOOK_UPDATED,
    WebhookState,
)
from fostr.domains.webhooks.signing import mask_secret, mint_secret, visible_end
from fostr.domains.webhooks.webhooks import repository
from fostr.domains.webhooks.webhooks.rules import (
    MOST_WEBHOOKS,
    check_event_types,
    check_headers,
    check_scheme,
    mask_url,
)
from fostr.domains.webhooks.webhooks.schemas import NewSecretWebhook, Webhook, WebhookCount
from fostr.domains.webhooks.webhooks.sealing import find_headers, seal_headers, seal_secret
from fostr.domains.workspaces import public as workspaces
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import record
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from fostr.domains.webhooks.webhooks.repository import StoredWebhook
    from fostr.domains.webhooks.webhooks.rules import DisabledReason
    from fostr.domains.webhooks.webhooks.schemas import (
        SecretRegeneration,
        WebhookCreate,
        WebhookToggle,
        WebhookUpdate,
    )
    from fostr.kernel.http.context import Context
    from fostr.kernel.http.paging import Page, Slice

# Whoever could change these on another member's webhook would have that member's data sent to themselves.
_USES_RIGHTS: Final = frozenset({"url", "headers", "event_types", "recordset_ids", "payload"})
_WAITS_FOR_OWNER: Final = frozenset({"handed_over", "owner_left", "owner_may_not"})
_SWITCHED_ON: Final[dict[str, Any]] = {
    "is_active": True,
    "disabled_reason": None,
    "disabled_at": None,
    "failing_since": None,
}


async def list_webhooks(context: Context, *, is_active: bool | None, part: Slice) -> Page[Webhook]:
    """Return some of the workspace's webhooks, the newest first."""
    found = await repository.list_webhooks(context.unit, is_active=is_active, limit=part.limit, offset=part.offset)
    total = await repository.count_webhooks(context.unit, is_active=is_active)
    return part.page([_show(context, webhook) for webhook in found], total=total)


async def count_webhooks(context: Context, *, is_active: bool | None) -> WebhookCount:
    """Return how many webhooks the workspace has."""
    return WebhookCount(count=await repository.count_webhooks(context.unit, is_active=is_active))


async def get_webhook(context: Context, webhook_id: UUID) -> Webhook:
    """Return a webhook.

    Raises:
        WebhookNotFound: there is none.
    """
    return _show(context, await find_or_refuse(context.unit, webhook_id))


async def create_webhook(context: Context, *, data: WebhookCreate) -> NewSecretWebhook:
    """Make a webhook, and a secret for it.

    Raises:
        EventTypesUnknown: it asks for types that there are not.
        WebhookHeadersInvalid: some headers cannot be sent.
        HttpsRequired, AddressRefused: nothing is sent to such an address.
        WebhookRecordsetsUnknown: the caller does not see some of the recordsets.
        WebhooksTooMany: the workspace has enough of them.
    """
    check_event_types(data.event_types)
    check_headers(data.headers)
    await _check_url(context, data.url)
    await _check_recordsets(context, data.recordset_ids)
    if await repository.count_webhooks(context.unit) >= MOST_WEBHOOKS:
        raise WebhooksTooMany(most=MOST_WEBHOOKS)
    secret = mint_secret()
    values = {
        **data.model_dump(exclude={"headers"}),
        "name": data.name or urlsplit(data.url).hostname or data.url,
        **_sealed_headers(context, data.headers),
        **_sealed_secret(context, secret),
        "id": new_id(),
        "owner_id": context.member_id,
        "created_by": context.member_id,
        "disabled_at": None if data.is_active else context.now,
        "created_at": context.now,
        "updated_at": context.now,
    }
    stored = await repository.insert_webhook(context.unit, values)
    await record(context, type=WEBHOOK_CREATED, entity="webhook", entity_id=stored.id, after=state_of(stored))
    return _show_secret(context, stored, secret)


async def update_webhook(
    context: Context, webhook_id: UUID, *, data: WebhookUpdate, expected_version: int | None
) -> Webhook:
    """Change a webhook.

    Raises:
        WebhookNotFound: there is none.
        StaleUpdate: it is not of that version any more.
        WebhookNotOwn: the change would use the rights of another member.
        EventTypesUnknown: see `create_webhook`, as for the others.
    """
    given = data.changes()
    await _check_given(context, webhook_id, given)
    before = await lock_or_refuse(context.unit, webhook_id)
    check_version(expected=expected_version, current=before.version)
    changes = _compare(context, before, given)
    if before.owner_id != context.member_id:
        if given.get("take_over"):
            changes |= _take_over(context, before)
        else:
            _check_not_foreign(before, changes)
    await _check_recordsets(context, set(changes.get("recordset_ids", [])) - set(before.recordset_ids))
    after = await _save(context, before, changes)
    if after.owner_id != before.owner_id:
        # What waits was written for the former owner, who may have seen more; now it is looked at anew.
        await workspaces.bump_rights_epoch(context.unit)
    return _show(context, after)


async def toggle_webhook(context: Context, webhook_id: UUID, *, data: WebhookToggle) -> Webhook:
    """Switch a webhook on or off.

    Raises:
        WebhookNotFound: there is none.
        WebhookNotOwn: it was switched off because of its owner, who is somebody else.
    """
    before = await lock_or_refuse(context.unit, webhook_id)
    wanted = not before.is_active if data.is_active is None else data.is_active
    changes = _switch(context, before, is_active=wanted)
    if before.owner_id != context.member_id:
        _check_not_foreign(before, changes)
    return _show(context, await _save(context, before, changes))


async def regenerate_secret(context: Context, webhook_id: UUID, *, data: SecretRegeneration) -> NewSecretWebhook:
    """Give a webhook a new secret; the former one signs for a while yet.

    Raises:
        WebhookNotFound: there is none.
    """
    before = await lock_or_refuse(context.unit, webhook_id)
    secret = mint_secret()
    until = context.now + timedelta(seconds=data.overlap_seconds) if data.overlap_seconds else None
    changes = {
        **_sealed_secret(context, secret),
        "previous_secret": before.secret if until is not None else None,
        "previous_secret_until": until,
        **_signed(context),
    }
    after = await repository.update_webhook(context.unit, webhook_id, changes)
    told = {"name": after.name, "previous_secret_until": until and until.isoformat()}
    await record(context, type=WEBHOOK_SECRET_REGENERATED, entity="webhook", entity_id=webhook_id, after=told)
    return _show_secret(context, after, secret)


async def delete_webhook(context: Context, webhook_id: UUID) -> None:
    """Delete a webhook.

    Raises:
        WebhookNotFound: there is none.
    """
    before = await lock_or_refuse(context.unit, webhook_id)
    await repository.delete_webhook(context.unit, webhook_id)
    await dispatch_forgetting(context.unit, webhook_id)
    await record(context, type=WEBHOOK_DELETED, entity="webhook", entity_id=webhook_id, before=state_of(before))


async def switch_off(
    source: Context | Unit, before: StoredWebhook, *, reason: DisabledReason, now: datetime, **changes: Any
) -> StoredWebhook:
    """Switch off a webhook that cannot go on, and tell of it.

    Args:
        source: who does it; a unit of work where the system does.
        before: the webhook, locked, and switched on.
        reason: why.
        now: the present.
        changes: what else changes about it.
    """
    unit = source if isinstance(source, Unit) else source.unit
    off = {"is_active": False, "disabled_reason": reason, "disabled_at": now, "updated_at": now, **changes}
    after = await repository.update_webhook(unit, before.id, off)
    await record(
        source,
        type=WEBHOOK_DISABLED,
        entity="webhook",
        entity_id=before.id,
        before=state_of(before),
        after=state_of(after),
    )
    return after


async def find_or_refuse(unit: Unit, webhook_id: UUID) -> StoredWebhook:
    """Return a webhook as it is kept, or refuse."""
    webhook = await repository.find_webhook(unit, webhook_id)
    if webhook is None:
        raise WebhookNotFound
    return webhook


async def lock_or_refuse(unit: Unit, webhook_id: UUID) -> StoredWebhook:
    """Return a webhook as it is kept, which nobody else changes until the transaction ends, or refuse."""
    webhook = await repository.find_webhook(unit, webhook_id, lock=True)
    if webhook is None:
        raise WebhookNotFound
    return webhook


def state_of(webhook: StoredWebhook) -> dict[str, Any]:
    """Return a webhook as events tell of it."""
    shown = replace(webhook, url=mask_url(webhook.url))
    return WebhookState.model_validate(shown, from_attributes=True).model_dump(mode="json")


async def _check_given(context: Context, webhook_id: UUID, given: dict[str, Any]) -> None:
    check_event_types(given.get("event_types", []))
    check_headers(given.get("headers", {}))
    if "url" in given:
        # In a transaction that ends here: none stays open while a name is looked up.
        async with context.open_unit() as unit:
            await find_or_refuse(unit, webhook_id)
        await _check_url(context, given["url"])


async def _check_url(context: Context, url: str) -> None:
    check_scheme(url, context.settings)
    await context.runtime.outbound.check_url(url)


async def _check_recordsets(context: Context, recordset_ids: Sequence[UUID] | set[UUID]) -> None:
    unknown: list[str] = []
    for recordset_id in recordset_ids:
        try:
            await records.get_recordset(context, reference=recordset_id)
        except records.RecordsetNotFound:
            unknown.append(str(recordset_id))
    if unknown:
        raise WebhookRecordsetsUnknown(recordset_ids=sorted(unknown))


def _check_not_foreign(before: StoredWebhook, changes: dict[str, Any]) -> None:
    """Refuse what would have another member's data sent somewhere, or sent though they have not agreed, or may not."""
    starts = changes.get("is_active") and before.disabled_reason in _WAITS_FOR_OWNER
    if starts or _USES_RIGHTS & changes.keys():
        raise WebhookNotOwn(owner_id=str(before.owner_id))


def _take_over(context: Context, before: StoredWebhook) -> dict[str, Any]:
    waits = before.disabled_reason in _WAITS_FOR_OWNER
    return {"owner_id": context.member_id, **({"disabled_reason": None} if waits else {})}


def _compare(context: Context, before: StoredWebhook, given: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that change."""
    plain = given.keys() - {"headers", "take_over", "is_active"}
    changes = {name: given[name] for name in plain if given[name] != getattr(before, name)}
    if "headers" in given:
        kept = find_headers(context.runtime.keys, before, workspace=context.workspace_id)
        changes |= _sealed_headers(context, given["headers"]) if given["headers"] != kept else {}
    if "is_active" in given:
        changes |= _switch(context, before, is_active=given["is_active"])
    return changes


def _switch(context: Context, before: StoredWebhook, *, is_active: bool) -> dict[str, Any]:
    if is_active == before.is_active:
        return {}
    return dict(_SWITCHED_ON) if is_active else {"is_active": False, "disabled_at": context.now}


async def _save(context: Context, before: StoredWebhook, changes: dict[str, Any]) -> StoredWebhook:
    """Write what changes, with an event for the change and one for the switch, as far as there is either."""
    if not changes:
        return before
    after = await repository.update_webhook(context.unit, before.id, {**changes, **_signed(context)})
    types: list[str] = []
    if changes.keys() - _SWITCHED_ON.keys():
        types.append(WEBHOOK_UPDATED)
    if "is_active" in changes:
        types.append(WEBHOOK_ENABLED if after.is_active else WEBHOOK_DISABLED)
    for type_ in types:
        await record(
            context,
            type=type_,
            entity="webhook",
            entity_id=after.id,
            before=state_of(before),
            after=state_of(after),
        )
    return after


def _signed(context: Context) -> dict[str, Any]:
    return {"updated_by": context.member_id, "updated_at": context.now}


def _sealed_secret(context: Context, secret: str) -> dict[str, Any]:
    sealed = seal_secret(context.runtime.keys, secret, workspace=context.workspace_id)
    return {"secret": sealed, "secret_hint": visible_end(secret)}


def _sealed_headers(context: Context, headers: dict[str, str]) -> dict[str, Any]:
    sealed = seal_headers(context.runtime.keys, headers, workspace=context.workspace_id)
    return {"headers": sealed, "header_names": sorted(headers)}


def _show(context: Context, webhook: StoredWebhook) -> Webhook:
    until = webhook.previous_secret_until
    shown = replace(
        webhook,
        secret=mask_secret(webhook.secret_hint),
        previous_secret_until=until if until is not None and until > context.now else None,
    )
    return Webhook.model_validate(shown, from_attributes=True)


def _show_secret(context: Context, webhook: StoredWebhook, secret: str) -> NewSecretWebhook:
    return NewSecretWebhook.model_validate({**_show(context, webhook).model_dump(), "secret": secret})
