"""Old events are forgotten where the operator wants it, and never before everybody has read them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.kernel import clock
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.worker import drain
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset

if TYPE_CHECKING:
    from fostr.kernel.db.database import Database

PATH = "/api/v1/events"
KEPT = 40


async def prune(runtime: Runtime, *, days: int | None = KEPT) -> None:
    """Run the nightly job with a setting of its own."""
    async with runtime.database.unit() as unit:
        await dispatch(unit, "events.prune", {}, workspace=None)
    await drain(replace(runtime, settings=runtime.settings.model_copy(update={"event_days": days})))


async def age(database: Database, cast: Cast, event_ids: list[UUID], *, days: int) -> None:
    async with database.unit(cast.acme) as unit:
        await unit.run(
            "update events e set created_at = :at where e.workspace_id = :workspace and e.id = any(:ids)",
            at=clock.now() - timedelta(days=days),
            ids=event_ids,
        )


async def list_ids(client: Client) -> list[UUID]:
    return [UUID(item["id"]) for item in (await client.get(PATH, params={"limit": 200})).json()["items"]]


async def count_activities(runtime: Runtime, cast: Cast, ids: list[UUID]) -> int:
    async with runtime.database.unit(cast.acme) as unit:
        return await unit.value(
            "select count(*) from activities a where a.workspace_id = :workspace and a.id = any(:ids)", ids=ids
        )


async def fill(client: Client) -> dict[str, Any]:
    recordset = await create_recordset(client, fields=[{"name": "Name", "type": "text"}])
    for number in range(4):
        await create_record(client, recordset, {"name": str(number)})
    return recordset


async def test_what_is_too_old_goes_and_readers_are_told(
    client: Client, cast: Cast, runtime: Runtime, settle: Callable[[], Awaitable[None]]
) -> None:
    owner = client.as_(cast.owner)
    await fill(owner)
    await settle()
    ids = await list_ids(owner)
    old, young = ids[:3], ids[3:]
    await age(runtime.database, cast, old, days=KEPT + 1)
    await age(runtime.database, cast, young, days=KEPT - 1)
    assert await count_activities(runtime, cast, old) == 3
    await prune(runtime)
    assert await list_ids(owner) == young
    assert await count_activities(runtime, cast, old) == 0
    assert refusal(await owner.get(PATH, params={"after": str(old[-1])})) == (410, "events_gone")
    assert (await owner.get(PATH, params={"after": str(young[0])})).status_code == 200


async def test_the_last_event_stays_so_that_who_has_read_it_all_goes_on(
    client: Client, cast: Cast, runtime: Runtime, settle: Callable[[], Awaitable[None]]
) -> None:
    owner = client.as_(cast.owner)
    recordset = await fill(owner)
    await settle()
    ids = await list_ids(owner)
    await age(runtime.database, cast, ids, days=KEPT + 1)
    await prune(runtime)
    assert await list_ids(owner) == ids[-1:]
    record = await create_record(owner, recordset, {"name": "new"})
    page = (await owner.get(PATH, params={"after": str(ids[-1])})).json()
    assert [item["entity_id"] for item in page["items"]] == [record["id"]]


async def test_what_a_consumer_has_not_read_and_what_was_put_aside_stay(
    client: Client, cast: Cast, runtime: Runtime, settle: Callable[[], Awaitable[None]]
) -> None:
    owner = client.as_(cast.owner)
    await fill(owner)
    await settle()
    ids = await list_ids(owner)
    await age(runtime.database, cast, ids, days=KEPT + 1)
    async with runtime.database.unit(cast.acme) as unit:
        # The feed has read no further than to the third event, and has failed there: it waits.
        await unit.run(
            """
            update event_cursors set attempts = 1, retry_at = :later,
                position = (select e.position from events e where e.workspace_id = :workspace and e.id = :event_id)
            where workspace_id = :workspace and consumer = 'activity'
            """,
            event_id=ids[2],
            later=clock.now() + timedelta(days=1),
        )
        await unit.run(
            """
            insert into event_dead_letters (consumer, workspace_id, event_id, type, attempts, error)
            values ('activity', :workspace, :event_id, 'x', 6, 'x')
            """,
            event_id=ids[1],
        )
    await prune(runtime)
    assert await list_ids(owner) == [ids[1], *ids[3:]]


async def test_by_default_everything_is_kept(
    client: Client, cast: Cast, runtime: Runtime, settle: Callable[[], Awaitable[None]]
) -> None:
    owner = client.as_(cast.owner)
    await fill(owner)
    await settle()
    ids = await list_ids(owner)
    await age(runtime.database, cast, ids, days=10_000)
    assert runtime.settings.event_days is None
    await prune(runtime, days=None)
    assert await list_ids(owner) == ids
