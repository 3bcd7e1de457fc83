"""Events about jobs that somebody asked for, such as imports and exports: for them, and for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.domains.records.seeing.registering import register_seeing
from fostr.domains.records.seeing.sight import Sight, find_fact, look_at, parse_id
from fostr.kernel.events.visibility import Seen, facts_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context

REQUESTED_BY: Final = "requested_by"


def register_transfers(entity: str, *, permission: str | None = None) -> None:
    """Say who may see the events about some kind of job: as its operations show the jobs themselves.

    Args:
        entity: the kind.
        permission: which its operations ask for; None where every member may look at their own.
    """

    def may_ask(context: Context) -> bool:
        return permission is None or context.access.has(permission)

    async def view(context: Context, events: Sequence[Event]) -> list[Seen | None]:
        may_see = context.access.is_administrator and may_ask(context)
        return await _view_all(context, events) if may_see else [None] * len(events)

    async def view_own(context: Context, events: Sequence[Event]) -> list[Seen | None]:
        seen = await _view_all(context, events) if may_ask(context) else [None] * len(events)
        return [one if context.member_id in who_asked(event) else None for one, event in zip(seen, events, strict=True)]

    register_seeing(entity, view=view, category="workspace", concerns=who_asked, view_own=view_own)


def who_asked(event: Event) -> list[UUID]:
    """Return the member who asked for a job."""
    found = find_fact(event, REQUESTED_BY) or parse_id(event.actor.get("member_id"))
    return [] if found is None else [found]


async def _view_all(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    sight = await look_at(context, events)
    return [_see(sight, event) for event in events]


def _see(sight: Sight, event: Event) -> Seen:
    recordset_id = find_fact(event, "recordset_id")
    reached = sight.find_recordset(recordset_id)
    facts = facts_of(event)
    return Seen(
        event=event,
        name=facts.get("filename"),
        scope_id=recordset_id,
        scope_name=None if reached is None else reached.recordset.name,
    )
