"""What members may know of everything that happened in their workspace."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson

from fostr.kernel.auth.principals import Scope
from fostr.kernel.events.log import BEGINNING, to_event
from fostr.kernel.events.visibility import expand_seen, see_events
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.behalf import act_as_member

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.events.visibility import Seen
    from fostr.kernel.http.context import Context
    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Person
    from tests.support.rights import World


async def list_events(unit: Unit) -> list[Event]:
    """Return everything that happened in the unit's workspace, whatever is ready of it to be read in its order."""
    rows = await unit.rows(
        """
        select e.id, e.type, e.version, e.entity, e.entity_id, e.actor, e.before, e.after, e.cause, e.created_at
        from events e where e.workspace_id = :workspace and e.position > :beginning order by e.position
        """,
        beginning=BEGINNING.number,
    )
    return [to_event(unit, row) for row in rows]


async def act(runtime: Runtime, unit: Unit, member_id: UUID, *, scope: Scope = Scope.ADMIN) -> Context:
    """Return what a member reads with."""
    return await act_as_member(runtime, unit, member_id=member_id, cause_id=new_id(), scope=scope)


async def see_all(runtime: Runtime, person: Person) -> list[Seen]:
    """Return what a member may know of every event, the bulk ones both as they are and expanded."""
    async with runtime.database.unit(person.workspace_id) as unit:
        context = await act(runtime, unit, person.member_id)
        events = await list_events(unit)
        seen = [one for one in await see_events(context, events) if one is not None]
        for event in events:
            seen += [one async for one in expand_seen(context, event) if one.event.id != event.id]
    return seen


async def stir(world: World) -> None:
    """Have something happen to each living record, and to what it can have; all of it by who made them."""
    maker = world.client.as_(world.person(world.drawn.owner))
    living = [world.ids[place] for place in world.living()]
    for place in world.living():
        path = f"/api/v1/records/{world.ids[place]}"
        said = await maker.post(f"{path}/comments", json={"text": f"about {world.markers[place]['name']}"})
        assert said.status_code == 201, said.text
        assert (await maker.put(f"{path}/tools/deals", json={"recommendation": "Buy"})).is_success
        assert (await maker.patch(path, json={"tags": ["stirred"], "field_values": {"beta": "new"}})).is_success
    for one, other in pairwise(living):
        body = {"record_id": other, "type": "next to"}
        assert (await maker.post(f"/api/v1/records/{one}/relationships", json=body)).is_success
    path = f"/api/v1/recordsets/{world.recordset['id']}/views"
    for visibility in ("shared", "personal"):
        view = await maker.post(path, json={"name": visibility, "type": "grid", "visibility": visibility})
        assert (await maker.post(f"{path}/{view.json()['id']}/share-links", json={"name": "link"})).is_success


async def discard(world: World) -> None:
    """Have who made them move one of the living records to the trash, if there is any."""
    maker = world.client.as_(world.person(world.drawn.owner))
    for place in list(world.living())[:1]:
        assert (await maker.delete(f"/api/v1/records/{world.ids[place]}")).is_success


def write(seen: Any) -> str:
    """Return everything in what is seen, as text that can be searched and compared."""
    return orjson.dumps([None if one is None else asdict(one) for one in seen], default=str).decode()
