"""Events as streams tell of them: thin, by the rights of each class of listeners, and each member's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.domains.notifications.events import ENTITY, NOTIFICATION_CREATED
from fostr.domains.notifications.inbox.service import list_for_members, withhold
from fostr.domains.notifications.permissions import VIEW_NOTIFICATIONS
from fostr.domains.notifications.stream.schemas import WorkspaceEvent
from fostr.kernel.events.asking import read_types
from fostr.kernel.events.followers import Told, Wants
from fostr.kernel.events.log import find_event
from fostr.kernel.events.visibility import Seen, concerned_by, see_events, see_for_class
from fostr.kernel.http.streams import ServerEvent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fostr.domains.notifications.stream.entering import Listening
    from fostr.kernel.access.access import Access
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.events.followers import Follower
    from fostr.kernel.http.context import Context


LONGEST_NAME: Final = 200
"""Characters of a name that are told; what waits for a reader is bounded."""


async def open_stream(
    listening: Listening, *, types: str | None, recordset_id: UUID | None, last_event_id: str | None
) -> Follower:
    """Return a stream of what happens in the caller's workspace.

    Args:
        listening: the caller, and the credential by which the stream stands and falls.
        types: names and groups of event types, separated by commas.
        recordset_id: only workspace events about this recordset and what lies in it.
        last_event_id: where the client has come to.

    Raises:
        EventTypeUnknown: there are no such types.
        TooManyStreams: the caller has too many open.
        StreamsUnavailable: the process takes no more.
    """
    context = listening.context
    kinds = read_types(types)
    wants = None if kinds is None and recordset_id is None else Wants(types=kinds, scope_id=recordset_id)
    return await context.runtime.hub.follow(
        context, held=listening.held, compose=compose, wants=wants, last_event_id=last_event_id
    )


async def compose(context: Context, listeners: Mapping[UUID, Access], events: Sequence[Event]) -> list[Told | None]:
    """Return what a class of listeners is told of each event.

    Args:
        context: somebody of the class.
        listeners: those of the class who listen, by member.
        events: in their order.
    """
    seen = await see_for_class(context, events)
    return [
        await _compose_own(context, listeners, event) if one is None else _compose_shared(one)
        for event, one in zip(events, seen, strict=True)
    ]


def _compose_shared(seen: Seen) -> Told:
    return Told(type=seen.event.type, scope_id=seen.scope_id, shared=_tell(seen))


async def _compose_own(context: Context, listeners: Mapping[UUID, Access], event: Event) -> Told | None:
    """Return what those are told whom an event concerns in person."""
    concerned = concerned_by(event)
    named = {
        member_id: _act_as(context, access)
        for member_id, access in (listeners.items() if concerned else ())
        if member_id in concerned or access.principal.user_id in concerned
    }
    if not named:
        return None
    if event.type == NOTIFICATION_CREATED:
        return Told(type=event.type, own=await _compose_notifications(context, named, event), is_for_all=True)
    own: dict[UUID, bytes] = {}
    scope_id: UUID | None = None
    for member_id, reader in named.items():
        [seen] = await see_events(reader, [event])
        if seen is not None:
            own[member_id], scope_id = _tell(seen), seen.scope_id
    return Told(type=event.type, own=own, scope_id=scope_id)


async def _compose_notifications(context: Context, named: Mapping[UUID, Context], event: Event) -> dict[UUID, bytes]:
    if event.after is None or not context.access.has(VIEW_NOTIFICATIONS):
        return {}
    source_id, kind = UUID(event.after["source_event_id"]), event.after["type"]
    found = await list_for_members(context.unit, event_id=source_id, type=kind, member_ids=list(named))
    if found and not await _is_seen_by_class(context, source_id):
        # What concerns some of them in person, no other member's rights can tell.
        found = {member_id: (await withhold(named[member_id], [one]))[0] for member_id, one in found.items()}
    return {
        member_id: ServerEvent(data=one.model_dump(mode="json"), event=ENTITY, id=str(event.id)).encode()
        for member_id, one in found.items()
    }


async def _is_seen_by_class(context: Context, event_id: UUID) -> bool:
    event = await find_event(context.unit, event_id)
    return event is not None and (await see_for_class(context, [event]))[0] is not None


def _act_as(context: Context, access: Access) -> Context:
    """Return the context of another listener."""
    return replace(context, access=access, principal=access.principal)


def _tell(seen: Seen) -> bytes:
    event = seen.event
    # Of the caller's own inbox it is told what became of it, because there the event says it all.
    subject, _, verb = event.type.partition(".")
    what, bulk = (verb, event.after) if event.entity == ENTITY else ("updated", event.cause)
    told = WorkspaceEvent(
        event_type=f"{plural(subject)}_{what}",
        type=event.type,
        id=event.id,
        entity=event.entity,
        entity_id=event.entity_id,
        name=seen.name and seen.name[:LONGEST_NAME],
        scope_id=seen.scope_id,
        record_id=seen.record_id,
        actor_id=event.actor.get("member_id"),
        count=(bulk or {}).get("count"),
        created_at=event.created_at,
    )
    return ServerEvent(data=told.model_dump(mode="json"), event="workspace_event", id=str(event.id)).encode()


def plural(thing: str) -> str:
    """Return the name of a kind of thing for many of them: `member` → `members`, `activity` → `activities`."""
    if thing.endswith("s"):
        return thing
    return f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
