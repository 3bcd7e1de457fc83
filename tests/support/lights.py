"""Lighthouses: events that everybody sees but the roles that are named, for tests of what carries events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events
from fostr.kernel.events.outbox import record
from fostr.kernel.events.visibility import Seen, Visibility, register_visibility
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context
    from fostr.kernel.runtime import Runtime

LIT: Final = "lighthouse.lit"
looks: Final[list[tuple[UUID, str]]] = []
"""Every time that somebody's rights on an event were looked at: the event, and the role."""


class LightFacts(BaseModel):
    """What is told of a lighthouse."""

    name: str
    hidden_from: list[str]


async def _look(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    looks.extend((event.id, context.access.role) for event in events)
    return [_see(event, context.access.role) for event in events]


def _see(event: Event, role: str) -> Seen | None:
    facts = event.after or {}
    return None if role in facts["hidden_from"] else Seen(event, name=facts["name"])


register_events([EventType(LIT, entity="lighthouse", schema=LightFacts)])
register_visibility(Visibility("lighthouse", category="workspace", view=_look))


async def light_in(unit: Unit, *, name: str = "Pharos", hidden_from: Sequence[str] = ()) -> UUID:
    """Light a lighthouse in a transaction, and return the event's id."""
    facts = {"name": name, "hidden_from": list(hidden_from)}
    return await record(unit, type=LIT, entity="lighthouse", entity_id=new_id(), after=facts)


async def light(runtime: Runtime, workspace: UUID, *, hidden_from: Sequence[str] = ()) -> UUID:
    """Light a lighthouse, and return the event's id."""
    async with runtime.database.unit(workspace) as unit:
        return await light_in(unit, hidden_from=hidden_from)


async def light_many(runtime: Runtime, workspace: UUID, count: int, *, name: str = "Pharos") -> list[UUID]:
    """Light lighthouses in one transaction, and return the ids of the events in their order."""
    async with runtime.database.unit(workspace) as unit:
        return [await light_in(unit, name=name) for _ in range(count)]
