"""With whose rights a webhook is sent, and whether these still reach as far as when a message was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from fostr.domains.webhooks.deliveries.outcomes import give_up
from fostr.domains.webhooks.deliveries.reading import find_seen
from fostr.domains.webhooks.deliveries.repository import deliveries
from fostr.domains.webhooks.messages import compose_body
from fostr.domains.webhooks.permissions import MANAGE_WEBHOOKS
from fostr.kernel import clock
from fostr.kernel.auth.principals import Scope
from fostr.kernel.jobs.behalf import MemberGone, act_as_member

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.domains.webhooks.deliveries.repository.deliveries import StoredDelivery
    from fostr.domains.webhooks.webhooks.repository import StoredWebhook
    from fostr.domains.webhooks.webhooks.rules import DisabledReason
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context
    from fostr.kernel.jobs.context import JobContext


async def act_as_owner(job: JobContext, unit: Unit, webhook: StoredWebhook) -> Context | None:
    """Return the context in which a webhook's owner looks at events; without one any more, it is switched off."""
    context: Context | None = None
    reason: DisabledReason = "owner_left"
    try:
        context = await act_as_member(job.runtime, unit, member_id=webhook.owner_id, cause_id=job.id, scope=Scope.ADMIN)
    except MemberGone:
        pass
    else:
        if context.access.has(MANAGE_WEBHOOKS):
            return context
        reason = "owner_may_not"
    await give_up(unit, webhook, reason=reason, now=clock.now())
    return None


async def check_again(context: Context, webhook: StoredWebhook, found: Sequence[StoredDelivery]) -> dict[UUID, str]:
    """Return what may be sent of some deliveries, by their ids: the same as ever, as long as the rights are the same.

    Where rights in the workspace have changed since a message was written, or it is replayed, it is written anew. If
    that comes to the same it stays as it was, to the byte. If the owner may see less of it or more, that is sent; if
    they may not see it at all any more, nothing is, and the delivery is withheld.
    """
    epoch = context.access.rights_epoch
    bodies = {delivery.id: delivery.body for delivery in found}
    renewed: dict[UUID, str] = {}
    withheld: list[UUID] = []
    for delivery in found:
        if delivery.rights_epoch == epoch:
            continue
        body = await write_again(context, webhook, delivery)
        if body is None:
            withheld.append(delivery.id)
        else:
            renewed[delivery.id] = body
    if renewed:
        await deliveries.save_bodies(context.unit, renewed, rights_epoch=epoch)
    if withheld:
        await deliveries.withhold(context.unit, withheld, now=context.now)
    return {name: body for name, body in (bodies | renewed).items() if name not in withheld}


async def write_again(context: Context, webhook: StoredWebhook, delivery: StoredDelivery) -> str | None:
    """Return a message as a member may see it now, to the byte as it was where that says the same; or nothing."""
    seen = await find_seen(context, delivery.event_id, delivery.message_id)
    if seen is None:
        return None
    body = compose_body(seen, payload=webhook.payload).decode()
    return delivery.body if delivery.body and _says_the_same(body, delivery.body) else body


def _says_the_same(body: str, other: str) -> bool:
    return _without_names(body) == _without_names(other)


def _without_names(body: str) -> dict[str, Any]:
    """Return what a message says without what things are called, which may change and is nobody's right."""
    told: dict[str, Any] = orjson.loads(body)
    told["data"] = {name: value for name, value in told["data"].items() if name not in ("name", "scope_name")}
    return told
