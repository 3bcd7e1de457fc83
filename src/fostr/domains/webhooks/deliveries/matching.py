"""Which events a webhook is told of."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from fostr.domains.webhooks.webhooks.rules import list_sent_types, listens_to
from fostr.kernel.events.catalogue import get_event_type
from fostr.kernel.events.visibility import find_visibility

if TYPE_CHECKING:
    from fostr.domains.webhooks.webhooks.repository import StoredWebhook
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.events.visibility import Seen


@cache
def _sent_types() -> frozenset[str]:
    return frozenset(list_sent_types())


def is_sent(event_type: str) -> bool:
    """Say whether webhooks are told of events of a type."""
    return event_type in _sent_types()


@lru_cache(maxsize=1000)
def read_types(event_types: tuple[str, ...]) -> frozenset[str]:
    """Return the types of events in which a webhook that asked for some types may find what it is told of.

    These are the types themselves, and those of events that stand for many things: what is told of each of these has a
    type of its own.
    """
    return frozenset(name for name in _sent_types() if listens_to(event_types, name) or _may_stand_for_many(name))


def _may_stand_for_many(name: str) -> bool:
    visibility = find_visibility(get_event_type(name).entity)
    return visibility is not None and visibility.expand is not None


def stands_for_many(event: Event) -> bool:
    """Say whether an event tells of a write of many things, each of which is a message of its own."""
    return event.cause is not None and event.cause.get("count") is not None and _may_stand_for_many(event.type)


def is_divided(webhook: StoredWebhook, event: Event) -> bool:
    """Say whether a webhook is told of the many things that an event stands for, each by itself."""
    # Who names the type of the whole is told of the whole.
    return stands_for_many(event) and event.type not in webhook.event_types


def wants(webhook: StoredWebhook, seen: Seen) -> bool:
    """Say whether a webhook is told of what its owner may see of an event."""
    if not listens_to(webhook.event_types, seen.event.type):
        return False
    return not webhook.recordset_ids or seen.scope_id in webhook.recordset_ids
