"""How long the trash is kept: as the workspace says, seen by all who see the trash, for recordsets and for records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from fostr.kernel import clock
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset
from tests.support.rows import kept_records

RECORDS = "/api/v1/records"
TRASH = "/api/v1/recordsets/trash"
MODULE = "/api/v1/modules/records"
RunJobs = Callable[[], Awaitable[None]]


async def keep_for(client: Client, person: Person, days: int | None) -> None:
    response = await client.as_(person).patch(MODULE, json={"settings": {"trash_days": days}})
    assert response.status_code == 200, response.text


async def purge(runtime: Runtime, run_jobs: RunJobs) -> None:
    async with runtime.database.unit() as unit:
        await dispatch(unit, "recordsets.purge_expired", {}, workspace=None)
    await run_jobs()


async def delete(client: Client, recordset: dict[str, Any], name: str, *, days_ago: float) -> dict[str, Any]:
    """Make a record that was deleted so many days ago."""
    record = await create_record(client, recordset, {"name": name})
    with clock.travel(to=clock.now() - timedelta(days=days_ago)):
        assert (await client.delete(f"{RECORDS}/{record['id']}")).status_code == 204
    return record


async def test_administrators_say_how_long_the_trash_is_kept(client: Client, cast: Cast) -> None:
    admin = client.as_(cast.admin)
    assert (await admin.get(f"{TRASH}/retention")).json() == {"days": 30, "is_customised": False}
    await keep_for(client, cast.admin, 90)
    assert (await admin.get(f"{TRASH}/retention")).json() == {"days": 90, "is_customised": True}
    assert (await admin.get(MODULE)).json()["settings"] == {"trash_days": 90}
    made = await create_recordset(admin)
    await admin.delete(f"/api/v1/recordsets/{made['id']}")
    item = (await admin.get(TRASH)).json()["items"][0]
    kept_for = datetime.fromisoformat(item["purge_at"]) - datetime.fromisoformat(item["deleted_at"])
    assert kept_for == timedelta(days=90)
    assert (await client.as_(cast.stranger).get(f"{TRASH}/retention")).json()["days"] == 30
    await keep_for(client, cast.owner, None)
    assert (await admin.get(f"{TRASH}/retention")).json() == {"days": 30, "is_customised": False}


async def test_others_do_not(client: Client, cast: Cast) -> None:
    for person in (cast.member, cast.viewer):
        sent = await client.as_(person).patch(MODULE, json={"settings": {"trash_days": 1}})
        assert refusal(sent) == (403, "forbidden")
        assert refusal(await client.as_(person).get(f"{TRASH}/retention")) == (403, "forbidden")
    for days in (0, 4000, "some"):
        sent = await client.as_(cast.owner).patch(MODULE, json={"settings": {"trash_days": days}})
        assert refusal(sent) == (422, "module_settings_invalid")


async def test_records_that_were_deleted_long_ago_go_for_good(
    client: Client, cast: Cast, runtime: Runtime, run_jobs: RunJobs
) -> None:
    owner = client.as_(cast.owner)
    fields = [{"name": "Name", "type": "text"}]
    made, other = [await create_recordset(owner, name=name, fields=fields) for name in ("Airports", "Cities")]
    foreign = await create_recordset(client.as_(cast.stranger), fields=fields)
    await delete(owner, made, "old", days_ago=11)
    await delete(owner, made, "older", days_ago=40)
    await delete(owner, other, "old", days_ago=11)
    await delete(client.as_(cast.stranger), foreign, "old", days_ago=11)
    recent = await delete(owner, made, "recent", days_ago=9)
    there = await create_record(owner, made, {"name": "there"})
    await keep_for(client, cast.admin, 10)
    await purge(runtime, run_jobs)

    assert {str(row["id"]) for row in await kept_records(runtime, cast.acme, made)} == {recent["id"], there["id"]}
    assert await kept_records(runtime, cast.acme, other) == []
    # The other workspace keeps what it has for as long as it says.
    assert len(await kept_records(runtime, cast.globex, foreign)) == 1
    async with runtime.database.unit(cast.acme) as unit:
        told = await unit.rows(
            """
            select e.before, e.cause from events e
            where e.workspace_id = :workspace and e.type = 'records.purged' order by (e.before->>'count')::integer
            """
        )
        versions = await unit.value("select count(*) from record_versions v where v.workspace_id = :workspace")
    assert [(row["before"], row["cause"]["count"]) for row in told] == [
        ({"recordset_id": other["id"], "count": 1}, 1),
        ({"recordset_id": made["id"], "count": 2}, 2),
    ]
    # That of the record which is still in the trash.
    assert versions == 1
    assert (await owner.get(f"/api/v1/recordsets/{made['id']}")).json()["record_count"] == 1
