"""The figures: what the caller may see is counted, by day, kind and person, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from fostr.domains.activity.stats.counting import MOST_LOOKED_AT
from fostr.domains.activity.stats.service import COSTLY, REMEMBERED_FOR
from fostr.kernel import clock
from fostr.kernel.ids import new_ids
from fostr.kernel.runtime import Runtime
from tests.support.activity import read_everything, set_moment
from tests.support.cast import Cast, Person
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset, grant
from tests.support.rules import create_rule, leaf

Follow = Callable[[], Awaitable[object]]

STATS = "/api/v1/activity/stats"


async def read_stats(client: Client, person: Person, **asked: str) -> dict[str, Any]:
    response = await client.as_(person).get(STATS, params=asked)
    assert response.status_code == 200, response.text
    return response.json()


def find_noon() -> str:
    """Return a time zone in which no day ends while a test runs."""
    return f"Etc/GMT{clock.now().hour - 12:+d}"


@pytest.fixture
async def inns(client: Client, cast: Cast, follow: Follow) -> dict[str, Any]:
    """A recordset with a few inns, of which the member has changed one."""
    fields = [{"name": "Name", "type": "text"}]
    made = await create_recordset(client.as_(cast.owner), name="Inns", fields=fields)
    await grant(client.as_(cast.owner), made, cast.member, "can_edit")
    for name in ("Anchor", "Bell", "Crown"):
        record = await create_record(client.as_(cast.owner), made, {"name": name})
    path = f"/api/v1/records/{record['id']}"
    await client.as_(cast.member).patch(path, json={"field_values": {"name": "Castle"}})
    await follow()
    return made


async def add_many(runtime: Runtime, cast: Cast, recordset: dict[str, Any], count: int) -> None:
    """Let the owner have changed a recordset many times, now."""
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            """
            with told as (
                insert into events (workspace_id, id, type, entity, entity_id, actor)
                select :workspace, e, 'recordset.updated', 'recordset', :recordset_id, :actor
                from unnest(:ids::uuid[]) e
                returning id, created_at
            )
            insert into activities (workspace_id, id, category, actor_id, happened_at)
            select :workspace, t.id, 'record', :actor_id, t.created_at from told t
            """,
            ids=new_ids(count),
            recordset_id=UUID(recordset["id"]),
            actor={"member_id": str(cast.owner.member_id)},
            actor_id=cast.owner.member_id,
        )


@pytest.mark.usefixtures("inns")
@pytest.mark.parametrize("name", ["owner", "admin", "member", "viewer"])
async def test_everybody_is_told_the_figures_of_their_own_feed(client: Client, cast: Cast, name: str) -> None:
    person = getattr(cast, name)
    feed = await read_everything(client, person)
    stats = await read_stats(client, person)
    assert stats["last_30_days"] == stats["last_7_days"] == sum(day["count"] for day in stats["by_day"]) == len(feed)
    kinds = Counter(item["category"] for item in feed)
    assert {kind: count for kind, count in stats["by_category"].items() if count} == dict(kinds)
    people = Counter(item["actor"] and item["actor"]["name"] for item in feed)
    told = {entry["person"] and entry["person"]["name"]: entry["count"] for entry in stats["by_person"]}
    assert told == dict(people)
    assert stats["is_complete"]


async def test_days_weeks_and_months(client: Client, cast: Cast, runtime: Runtime, follow: Follow) -> None:
    await follow()
    items = await read_everything(client, cast.owner)
    assert len(items) == 5
    wednesday = datetime(2026, 11, 18, 12, tzinfo=UTC)
    ages = [timedelta(hours=1), timedelta(days=2), timedelta(days=3), timedelta(days=29), timedelta(days=30)]
    for item, age in zip(items, ages, strict=True):
        await set_moment(runtime, cast.acme, item["id"], wednesday - age)
    with clock.travel(to=wednesday):
        stats = await read_stats(client, cast.owner)
    assert (stats["today"], stats["this_week"], stats["last_7_days"], stats["last_30_days"]) == (1, 2, 3, 4)
    assert stats["by_day"][0]["date"] == "2026-10-20"
    assert [day["date"] for day in stats["by_day"] if day["count"]] == [
        "2026-10-20",
        "2026-11-15",
        "2026-11-16",
        "2026-11-18",
    ]
    assert len(stats["by_day"]) == 30


async def test_days_begin_where_the_caller_is(client: Client, cast: Cast, runtime: Runtime, follow: Follow) -> None:
    await follow()
    late = datetime(2026, 11, 17, 23, 30, tzinfo=UTC)
    for item in await read_everything(client, cast.owner):
        await set_moment(runtime, cast.acme, item["id"], late)
    with clock.travel(to=late + timedelta(hours=1)):
        assert (await read_stats(client, cast.owner))["today"] == 0
        assert (await read_stats(client, cast.owner, time_zone="Europe/Berlin"))["today"] == 5


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Europe", ""])
async def test_an_unknown_time_zone_is_refused(client: Client, cast: Cast, zone: str) -> None:
    response = await client.as_(cast.owner).get(STATS, params={"time_zone": zone})
    assert refusal(response) == (422, "activity_filter_invalid")


async def test_what_a_row_rule_hides_is_not_counted(client: Client, cast: Cast, inns: dict[str, Any]) -> None:
    before = await read_stats(client, cast.member)
    assert before["by_category"]["record"] == 6
    await create_rule(client.as_(cast.owner), inns, leaf("name", "eq", "Castle"), roles=["member"])
    after = await read_stats(client, cast.member)
    assert after["by_category"]["record"] == len(await read_everything(client, cast.member, types="record"))
    assert after["by_category"]["record"] <= 4
    assert (await read_stats(client, cast.owner))["by_category"]["record"] == 6


async def test_who_sees_everything_is_told_everything(
    client: Client, cast: Cast, runtime: Runtime, inns: dict[str, Any]
) -> None:
    before = (await read_stats(client, cast.owner))["last_30_days"]
    await add_many(runtime, cast, inns, MOST_LOOKED_AT)
    stats = await read_stats(client, cast.owner, time_zone=find_noon())
    assert (stats["is_complete"], stats["last_30_days"]) == (True, before + MOST_LOOKED_AT)
    assert stats["today"] == stats["by_day"][-1]["count"] == before + MOST_LOOKED_AT
    most = stats["by_person"][0]
    assert (most["person"]["name"], most["count"]) == ("Owner Example", MOST_LOOKED_AT + before - 4)


async def test_what_nobody_is_shown_is_not_counted_for_anybody(
    client: Client, cast: Cast, runtime: Runtime, inns: dict[str, Any]
) -> None:
    await add_many(runtime, cast, inns, MOST_LOOKED_AT)
    assert (await read_stats(client, cast.owner))["by_category"]["record"] > MOST_LOOKED_AT
    assert (await client.as_(cast.owner).post("/api/v1/modules/records/toggle")).status_code == 200
    assert (await read_stats(client, cast.owner))["by_category"]["record"] == 0


async def test_who_does_not_see_everything_is_told_of_the_newest(
    client: Client, cast: Cast, runtime: Runtime, inns: dict[str, Any]
) -> None:
    secrets = await create_recordset(client.as_(cast.owner), name="Secrets", fields=[{"name": "N", "type": "text"}])
    await add_many(runtime, cast, inns, 40)
    await add_many(runtime, cast, secrets, MOST_LOOKED_AT - 40)
    stats = await read_stats(client, cast.member)
    assert not stats["is_complete"]
    assert (stats["today"], stats["this_week"], stats["last_30_days"]) == (None, None, None)
    assert stats["by_category"]["record"] == 40
    assert all(day["count"] is None for day in stats["by_day"])
    assert datetime.fromisoformat(stats["counted_since"]) > clock.now() - timedelta(minutes=5)


async def test_costly_figures_are_remembered_for_a_minute_unless_rights_change(
    client: Client, cast: Cast, runtime: Runtime, inns: dict[str, Any]
) -> None:
    await add_many(runtime, cast, inns, COSTLY)
    with clock.travel(to=clock.now()):
        first = await read_stats(client, cast.member)
        await add_many(runtime, cast, inns, 1)
        assert await read_stats(client, cast.member) == first
        clock.advance(REMEMBERED_FOR)
        later = await read_stats(client, cast.member)
        assert later["last_30_days"] == first["last_30_days"] + 1
        path = f"/api/v1/recordsets/{inns['slug']}/access/members/{cast.member.member_id}"
        assert (await client.as_(cast.owner).delete(path)).status_code == 204
        left = await read_everything(client, cast.member, types="record")
        assert all("Inns" not in item["description"] for item in left)
        assert (await read_stats(client, cast.member))["by_category"]["record"] == len(left) < COSTLY


async def test_the_first_ten_people_are_told(
    client: Client, cast: Cast, runtime: Runtime, inns: dict[str, Any], follow: Follow
) -> None:
    await follow()
    assert inns["name"] == "Inns"
    async with runtime.database.unit(cast.acme) as unit:
        ids = new_ids(12)
        await unit.run(
            """
            insert into events (workspace_id, id, type, entity, entity_id, actor)
            select :workspace, e, 'workspace.updated', 'workspace', :workspace,
                   jsonb_build_object('member_id', e::text)
            from unnest(:ids::uuid[]) e
            """,
            ids=ids,
        )
    await follow()
    assert len((await read_stats(client, cast.owner))["by_person"]) == 10


async def test_workspaces_are_counted_apart(client: Client, cast: Cast, inns: dict[str, Any]) -> None:
    assert inns["name"] == "Inns"
    own = await read_stats(client, cast.stranger)
    assert own["last_30_days"] == len(await read_everything(client, cast.stranger))
    assert own["by_category"]["record"] == 0
    refused = await client.as_(cast.stranger, workspace=cast.acme).get(STATS)
    assert refusal(refused) == (404, "not_found")
    assert refusal(await client.anonymous().get(STATS)) == (401, "unauthorized")


async def test_a_role_without_the_right_is_refused(client: Client, cast: Cast) -> None:
    taken = {"permissions": {"can_view_activity": False}}
    done = await client.as_(cast.owner).patch("/api/v1/permissions/roles/viewer", json=taken)
    assert done.status_code == 200, done.text
    assert refusal(await client.as_(cast.viewer).get(STATS)) == (403, "forbidden")
