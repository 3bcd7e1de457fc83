"""What became of an event for one webhook, and why: for people who look for a message that did not come."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from fostr.domains.webhooks.deliveries.matching import is_divided, is_sent, wants
from fostr.domains.webhooks.deliveries.reading import PARTS_AT_ONCE
from fostr.domains.webhooks.deliveries.repository import deliveries, lanes
from fostr.domains.webhooks.deliveries.repository.deliveries import Selection
from fostr.domains.webhooks.errors import WebhookEventNotFound
from fostr.domains.webhooks.permissions import MANAGE_WEBHOOKS
from fostr.domains.webhooks.webhooks.rules import listens_to
from fostr.domains.webhooks.webhooks.service import find_or_refuse
from fostr.kernel.auth.principals import Scope
from fostr.kernel.events.log import find_event, find_position
from fostr.kernel.events.visibility import Seen, expand_seen, see_events
from fostr.kernel.jobs.behalf import MemberGone, act_as_member

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.domains.webhooks.deliveries.rules import Outcome
    from fostr.domains.webhooks.webhooks.repository import StoredWebhook
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context

SENTENCES: Final[dict[Outcome, str]] = {
    "enqueued": "It became a message; its deliveries tell how far that is.",
    "not_read_yet": "The webhook has not come to it in the log. What it does meanwhile, its health tells.",
    "type_never_sent": "Webhooks are not told of events of this type.",
    "type_not_wanted": "The webhook does not ask for events of this type.",
    "recordset_not_wanted": "It did not happen in one of the recordsets that the webhook asks for.",
    "owner_may_not_see": "The member with whose rights the webhook is delivered may not see it.",
    "switched_off": "The webhook is switched off.",
    "missed": "The webhook was not there, was off or asked for something else when it happened, or what became of it "
    "was forgotten after 30 days. What was missed can be sent by a replay.",
}


async def explain(context: Context, webhook_id: UUID, event_id: UUID) -> Outcome:
    """Return what became of an event.

    Raises:
        WebhookNotFound: there is no such webhook.
        WebhookEventNotFound: there is no such event, or the caller may not see it.
    """
    webhook = await find_or_refuse(context.unit, webhook_id)
    event = await find_event(context.unit, event_id)
    if event is None or await see_events(context, [event]) == [None]:
        raise WebhookEventNotFound
    about_it = Selection(webhook_id, event_id=event_id)
    if await deliveries.list_deliveries(context.unit, about_it, before=None, limit=1):
        return "enqueued"
    if not is_sent(event.type):
        return "type_never_sent"
    return await _find_refusal(context, webhook, event) or await _find_place(context, webhook, event)


async def _find_refusal(context: Context, webhook: StoredWebhook, event: Event) -> Outcome | None:
    """Return why a webhook would not be told of an event now; nothing where it would."""
    if not is_divided(webhook, event) and not listens_to(webhook.event_types, event.type):
        return "type_not_wanted"
    seen = await _see_as_owner(context, webhook, event)
    if not seen:
        return "owner_may_not_see"
    wanted = [one for one in seen if listens_to(webhook.event_types, one.event.type)]
    if not wanted:
        return "type_not_wanted"
    return None if any(wants(webhook, one) for one in wanted) else "recordset_not_wanted"


async def _see_as_owner(context: Context, webhook: StoredWebhook, event: Event) -> Sequence[Seen]:
    """Return what a webhook's owner may see of an event; of one that stands for many things, of the first of these."""
    try:
        owner = await act_as_member(
            context.runtime, context.unit, member_id=webhook.owner_id, cause_id=event.id, scope=Scope.ADMIN
        )
    except MemberGone:
        return []
    if not owner.access.has(MANAGE_WEBHOOKS):
        return []
    if not is_divided(webhook, event):
        return [seen for seen in await see_events(owner, [event]) if seen is not None]
    found: list[Seen] = []
    async with aclosing(expand_seen(owner, event)) as parts:
        async for seen in parts:
            found.append(seen)
            if len(found) == PARTS_AT_ONCE:
                break
    return found


async def _find_place(context: Context, webhook: StoredWebhook, event: Event) -> Outcome:
    """Return where a webhook stands in the log that was to be told of an event."""
    if not webhook.is_active:
        return "switched_off"
    lane = await lanes.find_lane(context.unit, webhook.id)
    if lane is None or lane.event_id is None:
        # It was switched on a moment ago, and reads from there.
        return "missed"
    place, read_to = [await find_position(context.unit, each) for each in (event.id, lane.event_id)]
    return "not_read_yet" if place is not None and read_to is not None and read_to < place else "missed"
