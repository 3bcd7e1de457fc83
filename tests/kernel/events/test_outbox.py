"""Recording events: in the write's transaction or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError

from fostr.kernel.events.catalogue import (
    EventType,
    UnknownEventType,
    check_payload,
    describe_event_types,
    get_event_type,
    list_event_types,
    register_events,
)
from fostr.kernel.events.outbox import CHANNEL, Actor, Cause, observe_events, record
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    import asyncpg

    from fostr.kernel.runtime import Runtime


class LampShape(BaseModel):
    """What the events of a lamp tell."""

    color: str


LAMP_LIT = EventType("lamp.lit", "lamp", schema=LampShape)
LAMP_BROKEN = EventType("lamp.broken", "lamp")
register_events([LAMP_LIT, LAMP_BROKEN])


async def read_events(runtime: Runtime, workspace: UUID, entity_id: UUID) -> list[asyncpg.Record]:
    async with runtime.database.unit(workspace) as unit:
        return await unit.rows(
            """
            select e.id, e.type, e.version, e.entity, e.actor, e.before, e.after, e.cause, e.xact, e.created_at
            from events e where e.workspace_id = :workspace and e.entity_id = :entity_id order by e.position
            """,
            entity_id=entity_id,
        )


async def test_an_event_keeps_what_it_was_told(runtime: Runtime, workspace: UUID) -> None:
    lamp, member, person = new_id(), new_id(), new_id()
    async with runtime.database.unit(workspace) as unit:
        event_id = await record(
            unit,
            type="lamp.lit",
            entity="lamp",
            entity_id=lamp,
            before={"color": "red"},
            after={"color": "blue"},
            cause=Cause(kind="import", id="row 7", count=3),
            actor=Actor(member_id=member, user_id=person, kind="pat"),
        )
    [event] = await read_events(runtime, workspace, lamp)
    assert (event["id"], event["type"], event["version"]) == (event_id, "lamp.lit", 1)
    assert (event["before"], event["after"]) == ({"color": "red"}, {"color": "blue"})
    assert event["cause"] == {"kind": "import", "id": "row 7", "count": 3}
    assert event["actor"] == {
        "member_id": str(member),
        "user_id": str(person),
        "kind": "pat",
        "acting_as": None,
    }


async def test_without_a_person_the_system_acts(runtime: Runtime, workspace: UUID) -> None:
    lamp = new_id()
    async with runtime.database.unit(workspace) as unit:
        await record(unit, type="lamp.broken", entity="lamp", entity_id=lamp)
    [event] = await read_events(runtime, workspace, lamp)
    assert event["actor"]["kind"] == "system"
    assert event["cause"] is None


async def test_a_rollback_takes_the_event_with_it(runtime: Runtime, workspace: UUID) -> None:
    lamp = new_id()
    with pytest.raises(RuntimeError, match="thunder"):
        await light_and_fail(runtime, workspace, lamp)
    assert await read_events(runtime, workspace, lamp) == []


async def light_and_fail(runtime: Runtime, workspace: UUID, lamp: UUID) -> None:
    async with runtime.database.unit(workspace) as unit:
        await record(unit, type="lamp.lit", entity="lamp", entity_id=lamp)
        raise RuntimeError("thunder")


async def test_a_commit_tells_which_workspace_has_news(runtime: Runtime, workspace: UUID) -> None:
    async with runtime.bus.subscribe(CHANNEL) as notices:
        async with runtime.database.unit(workspace) as unit:
            await record(unit, type="lamp.lit", entity="lamp", entity_id=new_id())
        assert await anext(notices) == str(workspace)


async def test_an_unregistered_type_is_refused(runtime: Runtime, workspace: UUID) -> None:
    async with runtime.database.unit(workspace) as unit:
        with pytest.raises(UnknownEventType, match=r"lamp\.sung"):
            await record(unit, type="lamp.sung", entity="lamp", entity_id=new_id())


async def test_a_type_is_about_its_own_entity(runtime: Runtime, workspace: UUID) -> None:
    async with runtime.database.unit(workspace) as unit:
        with pytest.raises(ValueError, match="about lamp"):
            await record(unit, type="lamp.lit", entity="chair", entity_id=new_id())


async def test_an_event_needs_a_workspace(runtime: Runtime) -> None:
    async with runtime.database.unit() as unit:
        with pytest.raises(ValueError, match="workspace"):
            await record(unit, type="lamp.lit", entity="lamp", entity_id=new_id())


async def test_another_workspace_sees_nothing(runtime: Runtime, workspace: UUID, other_workspace: UUID) -> None:
    lamp = new_id()
    async with runtime.database.unit(workspace) as unit:
        await record(unit, type="lamp.lit", entity="lamp", entity_id=lamp)
    assert await read_events(runtime, other_workspace, lamp) == []


@pytest.fixture
def observed() -> Iterator[list[str]]:
    names: list[str] = []
    end = observe_events(lambda event_type, _, __: names.append(event_type.name))
    yield names
    end()


async def test_observers_see_what_is_recorded(runtime: Runtime, workspace: UUID, observed: list[str]) -> None:
    async with runtime.database.unit(workspace) as unit:
        await record(unit, type="lamp.lit", entity="lamp", entity_id=new_id())
    assert observed == ["lamp.lit"]


def test_a_payload_fits_the_schema_of_its_type() -> None:
    check_payload(LAMP_LIT, None, {"color": "red"})
    check_payload(LAMP_BROKEN, {"anything": 1})
    with pytest.raises(ValidationError):
        check_payload(LAMP_LIT, {"color": "red"}, {"colour": "red"})


def test_a_name_belongs_to_one_type() -> None:
    register_events([LAMP_LIT])
    with pytest.raises(ValueError, match="registered twice"):
        register_events([EventType("lamp.lit", "lamp", version=2)])
    assert get_event_type("lamp.lit") is LAMP_LIT


def test_the_catalogue_is_listed_and_described() -> None:
    lamps = [event_type.name for event_type in list_event_types() if event_type.entity == "lamp"]
    assert lamps == ["lamp.broken", "lamp.lit"]
    assert describe_event_types()["lamp.lit.v1"]["required"] == ["color"]
    assert "lamp.broken.v1" not in describe_event_types()
