"""What messages say: an event, as far as the member may know it with whose rights the webhook is delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import orjson

from fostr.kernel.events.visibility import Seen

if TYPE_CHECKING:
    from fostr.kernel.events.consumers import Event

Payload: TypeAlias = Literal["full", "thin"]
"""Whether a message says what happened in full, or only with which thing, for receivers that come and look."""


def compose_body(seen: Seen, *, payload: Payload) -> bytes:
    """Return the body of the message that tells of an event."""
    return _encode(seen.event, _describe(seen, payload=payload))


def compose_test_body(event: Event, data: dict[str, Any] | None, *, payload: Payload) -> bytes:
    """Return the body of a message that looks like that of an event, and says that it is a test.

    Args:
        event: it need not have happened.
        data: what the message tells; None for what it tells of the event.
        payload: how much of that.
    """
    told = _describe(Seen(event), payload=payload) if data is None else data
    return _encode(event, told, is_test=True)


def _describe(seen: Seen, *, payload: Payload) -> dict[str, Any]:
    event = seen.event
    data: dict[str, Any] = {
        "entity": event.entity,
        "entity_id": event.entity_id,
        "scope_id": seen.scope_id,
        "record_id": seen.record_id,
    }
    if payload == "full":
        data |= {
            "name": seen.name,
            "scope_name": seen.scope_name,
            "version": event.version,
            "actor": {name: event.actor.get(name) for name in ("member_id", "kind")},
            "before": event.before,
            "after": event.after,
            "cause": event.cause,
        }
    return data


def _encode(event: Event, data: dict[str, Any], **marks: bool) -> bytes:
    told: dict[str, Any] = {
        "id": event.id,
        "type": event.type,
        "timestamp": event.created_at,
        "workspace_id": event.workspace_id,
        **marks,
        "data": data,
    }
    # The database's UUIDs are of a class of their own, which orjson does not know.
    return orjson.dumps(told, default=str)
