"""Something to be notified of, and ways to look at what people were told.

A bell rings for those whom it names, and is heard by every role but those that it names. Broken bells are critical, and
repaired ones are told to whoever repaired them, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pydantic import BaseModel

from fostr.domains.notifications.public import Channels, Notice, NotificationType, register_notifications
from fostr.kernel.events.catalogue import EventType, register_events
from fostr.kernel.events.outbox import Actor, record
from fostr.kernel.events.visibility import Seen, Visibility, register_visibility
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context
    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Person
    from tests.support.client import Client

API: Final = "/api/v1/notifications"
BELL: Final = "bell_rung"
BROKEN: Final = "bell_broken"
REPAIRED: Final = "bell_repaired"
QUIET_BELL: Final = "bell_tuned"
"""Of which nobody is told unless they ask for it."""


class BellFacts(BaseModel):
    """What is told of a bell."""

    name: str
    rings_for: list[UUID]
    hidden_from: list[str]


async def _named(unit: Unit, event: Event) -> Sequence[UUID]:
    del unit
    return [UUID(one) for one in (event.after or {})["rings_for"]]


async def _hear(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    # As every view does, it asks the database once, however many events and readers there are.
    await context.unit.value("select 1")
    heard: list[Seen | None] = []
    for event in events:
        facts = event.after or {}
        heard.append(None if context.access.role in facts["hidden_from"] else Seen(event, name=facts["name"]))
    return heard


def _say(seen: Seen) -> Notice | None:
    if seen.name == "mute":
        return None
    return Notice(
        title=f"{seen.name} rings", body="Ding.", link=f"/bells/{seen.event.entity_id}", thread=f"bell:{seen.name}"
    )


def _type(name: str, **options: Any) -> NotificationType:
    return NotificationType(
        name=name,
        category="data",
        label=name.replace("_", " "),
        description="A bell of the tests.",
        events=frozenset({name.replace("_", ".")}),
        recipients=_named,
        compose=_say,
        **options,
    )


TYPES: Final = (
    _type(BELL),
    _type(BROKEN, is_critical=True),
    _type(REPAIRED, tells_actor=True),
    _type(QUIET_BELL, defaults=Channels(in_app=False, email=False)),
)

register_events([EventType(one.name.replace("_", "."), entity="bell", schema=BellFacts) for one in TYPES])
register_visibility(Visibility("bell", category="action", view=_hear))
register_notifications(*TYPES)


async def ring(
    runtime: Runtime,
    workspace: UUID,
    people: Iterable[Person | UUID],
    *,
    type: str = BELL,
    name: str = "Big Ben",
    hidden_from: Sequence[str] = (),
    by: Person | None = None,
    acting_as: UUID | None = None,
) -> UUID:
    """Ring a bell for some people, and return the event's id."""
    members = [one if isinstance(one, UUID) else one.member_id for one in people]
    actor = None if by is None else Actor(by.member_id, by.user_id, "pat", acting_as)
    async with runtime.database.unit(workspace) as unit:
        return await record(
            unit,
            type=type.replace("_", "."),
            entity="bell",
            entity_id=new_id(),
            after={"name": name, "rings_for": [str(one) for one in members], "hidden_from": list(hidden_from)},
            actor=actor,
        )


async def inbox(client: Client, **params: Any) -> list[dict[str, Any]]:
    """Return what the caller finds in their inbox."""
    response = await client.get(f"{API}/list", params=params)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def titles(client: Client, **params: Any) -> list[str]:
    """Return the titles of what the caller finds in their inbox."""
    return [one["title"] for one in await inbox(client, **params)]


async def unread(client: Client) -> int:
    """Return how many notifications the caller has not read."""
    response = await client.get(f"{API}/unread-count")
    assert response.status_code == 200, response.text
    return response.json()["count"]
