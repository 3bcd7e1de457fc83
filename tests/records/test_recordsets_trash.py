"""The trash of recordsets: out of reach, restored as it was, deleted for good without a trace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from fostr.domains.records.recordsets.trash.service import BATCH, JOB
from fostr.kernel import clock
from fostr.kernel.db.tables import column_names, workspace_tables
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant
from tests.support.rows import insert_records

PATH = "/api/v1/recordsets"
TRASH = f"{PATH}/trash"
RunJobs = Callable[[], Awaitable[None]]


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    """A recordset of the owner's that the member may administer and the viewer may see."""
    made = await create_recordset(client.as_(cast.owner), fields=[{"name": "Name", "type": "text"}])
    await grant(client.as_(cast.owner), made, cast.member, "can_admin")
    await grant(client.as_(cast.owner), made, cast.viewer, "can_view")
    return made


async def trash(client: Client, recordset: dict[str, Any]) -> None:
    response = await client.delete(f"{PATH}/{recordset['id']}")
    assert (response.status_code, response.content) == (204, b"")


async def left_behind(runtime: Runtime, workspace: UUID, recordset: dict[str, Any], records: list[UUID]) -> set[str]:
    """Return the tables that hold a row of a recordset or of one of its records."""
    found: set[str] = set()
    async with runtime.database.unit(workspace) as unit:
        for table in workspace_tables().values():
            ids = {"recordset_id": [UUID(recordset["id"])], "record_id": records}
            if table.name in ("recordsets", "records"):
                ids["id"] = [UUID(recordset["id"]), *records]
            for column in ids.keys() & set(column_names(table)):
                statement = f"""
                    select exists (
                        select 1 from {table.name} t
                        where t.workspace_id = :workspace and t.{column} = any(:ids::uuid[])
                    )
                """
                if await unit.value(statement, ids=ids[column]):
                    found.add(table.name)
    return found


async def test_the_trash_is_reached_by_nothing_else(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    record = await create_record(owner, recordset, {"name": "Moffett"})
    await trash(owner, recordset)
    for reference in (recordset["id"], recordset["slug"]):
        path = f"{PATH}/{reference}"
        answers = [
            await owner.get(path),
            await owner.get(f"{path}/permissions"),
            await owner.get(f"{path}/access"),
            await owner.patch(path, json={"name": "New"}),
            await owner.post(f"{path}/resync-promoted"),
            await owner.post(f"{path}/access", json={"member_id": str(cast.viewer.member_id), "actions": ["can_view"]}),
            await owner.delete(path),
            await owner.get("/api/v1/records", params={"recordset_id": reference}),
            await owner.post("/api/v1/records", json={"recordset_id": reference, "field_values": {"name": "New"}}),
        ]
        assert {refusal(answer) for answer in answers} == {(404, "recordset_not_found")}
    assert refusal(await owner.get(f"/api/v1/records/{record['id']}")) == (404, "record_not_found")
    assert (await owner.get("/api/v1/records")).json()["items"] == []
    assert (await owner.get(PATH)).json()["total"] == 0
    told = await event_types(runtime, cast.acme, entity_id=recordset["id"])
    assert told[-1] == "recordset.trashed"


async def test_the_trash_is_listed(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    owner = client.as_(cast.owner)
    assert (await owner.get(TRASH)).json()["items"] == []
    other = await create_recordset(owner, name="Cities", description="of the world")
    await trash(owner, recordset)
    await trash(client.as_(cast.admin), other)
    listed = (await client.as_(cast.admin).get(TRASH)).json()
    assert [item["name"] for item in listed["items"]] == ["Cities", "Airports"]
    assert (listed["total"], listed["has_more"]) == (2, False)
    first = listed["items"][0]
    assert (first["id"], first["slug"], first["deleted_by"]) == (other["id"], "cities", str(cast.admin.member_id))
    kept_for = datetime.fromisoformat(first["purge_at"]) - datetime.fromisoformat(first["deleted_at"])
    assert kept_for == timedelta(days=30)

    found = (await owner.get(TRASH, params={"search": "WORLD"})).json()
    assert [item["name"] for item in found["items"]] == ["Cities"]
    part = (await owner.get(TRASH, params={"page_size": 1, "page": 2})).json()
    assert ([item["name"] for item in part["items"]], part["total"], part["has_more"]) == (["Airports"], 2, False)


async def test_who_may_not_does_not(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    one = f"{TRASH}/{recordset['id']}"
    viewer, member, stranger = (client.as_(person) for person in (cast.viewer, cast.member, cast.stranger))
    assert refusal(await viewer.delete(f"{PATH}/{recordset['id']}")) == (403, "recordset_action_forbidden")
    await trash(member, recordset)
    for person in (viewer, member):
        assert refusal(await person.get(TRASH)) == (403, "forbidden")
        assert refusal(await person.post(f"{one}/restore")) == (403, "recordset_action_forbidden")
        assert refusal(await person.delete(one)) == (403, "recordset_action_forbidden")
    assert (await stranger.get(TRASH)).json()["items"] == []
    assert refusal(await stranger.post(f"{one}/restore")) == (404, "recordset_not_found")
    assert refusal(await stranger.delete(one)) == (404, "recordset_not_found")
    assert (await client.as_(cast.admin).get(TRASH)).json()["total"] == 1


async def test_what_is_not_in_the_trash_is_not_there(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    one = f"{TRASH}/{recordset['id']}"
    assert refusal(await client.as_(cast.owner).post(f"{one}/restore")) == (404, "recordset_not_found")
    assert refusal(await client.as_(cast.owner).delete(one)) == (404, "recordset_not_found")
    assert (await client.as_(cast.owner).get(f"{PATH}/{recordset['id']}")).status_code == 200


async def test_restoring_brings_everything_back(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    record = await create_record(owner, recordset, {"name": "Moffett"})
    before = (await client.as_(cast.viewer).get(f"{PATH}/{recordset['id']}")).json()
    await trash(owner, recordset)
    assert (await create_recordset(owner))["slug"] == "airports-2"

    response = await client.as_(cast.admin).post(f"{TRASH}/{recordset['slug']}/restore")
    assert response.status_code == 200, response.text
    assert (response.json()["slug"], response.json()["is_active"]) == ("airports", True)
    after = (await client.as_(cast.viewer).get(f"{PATH}/{recordset['id']}")).json()
    assert {**after, "updated_at": None, "version": 1} == {**before, "updated_at": None, "version": 1}
    assert (await client.as_(cast.viewer).get(f"/api/v1/records/{record['id']}")).json() == record
    assert (await owner.get(TRASH)).json()["items"] == []
    told = await event_types(runtime, cast.acme, entity_id=recordset["id"])
    assert told[-2:] == ["recordset.trashed", "recordset.restored"]


async def test_purging_leaves_no_row_behind(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    other = await create_recordset(owner, name="Cities", fields=[{"name": "Name", "type": "text"}])
    kept = await create_record(owner, other, {"name": "Berlin"})
    changed = await create_record(owner, recordset, {"name": "Moffett"})
    path = f"/api/v1/records/{changed['id']}"
    assert (await owner.patch(path, json={"field_values": {"name": "Moffett Field"}})).status_code == 200
    assert (await owner.post(f"{path}/comments", json={"text": "It opens in May."})).status_code == 201
    deleted = await create_record(owner, recordset, {"name": "Gone"})
    assert (await owner.delete(f"/api/v1/records/{deleted['id']}")).status_code == 204
    records = [UUID(changed["id"]), UUID(deleted["id"])]
    await trash(owner, recordset)
    assert await left_behind(runtime, cast.acme, recordset, records) >= {
        "recordsets",
        "recordset_fields",
        "recordset_grants",
        "records",
        "record_search",
        "record_versions",
        "record_comments",
    }

    response = await client.as_(cast.admin).delete(f"{TRASH}/{recordset['slug']}")
    assert (response.status_code, response.content) == (204, b"")
    assert await left_behind(runtime, cast.acme, recordset, records) == set()
    assert (await owner.get(f"/api/v1/records/{kept['id']}")).json() == kept
    assert refusal(await owner.delete(f"{TRASH}/{recordset['id']}")) == (404, "recordset_not_found")
    told = await event_types(runtime, cast.acme, entity_id=recordset["id"])
    assert told[-1] == "recordset.purged"
    assert (await create_recordset(owner))["slug"] == "airports"


async def test_what_is_too_much_for_one_transaction_follows(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    values: list[dict[str, Any]] = [{"name": "x"}] * (BATCH + 1)
    records = await insert_records(runtime, cast.acme, recordset, values)
    records += await insert_records(runtime, cast.acme, recordset, values, deleted=True)
    await trash(client.as_(cast.owner), recordset)
    assert (await client.as_(cast.owner).delete(f"{TRASH}/{recordset['id']}")).status_code == 204
    assert await left_behind(runtime, cast.acme, recordset, records) == {"records"}
    listed = (await client.as_(cast.owner).get("/api/v1/records")).json()
    assert (listed["items"], listed["total"]) == ([], 0)
    await run_jobs()
    assert await left_behind(runtime, cast.acme, recordset, records) == set()


async def test_the_trash_empties_itself(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    recent = await create_recordset(client.as_(cast.owner), name="Recent")
    foreign = await create_recordset(client.as_(cast.stranger), name="Foreign")
    with clock.travel(to=clock.now() - timedelta(days=30, minutes=5)):
        await trash(client.as_(cast.owner), recordset)
        await trash(client.as_(cast.stranger), foreign)
    with clock.travel(to=clock.now() - timedelta(days=29, hours=23)):
        await trash(client.as_(cast.owner), recent)
    restored = await create_recordset(client.as_(cast.owner), name="Restored")
    async with runtime.database.unit(cast.acme) as unit:
        for early in (restored, recent):
            await dispatch(unit, JOB, {"recordset_id": early["id"]}, workspace=cast.acme)
    async with runtime.database.unit() as unit:
        await dispatch(unit, "recordsets.purge_expired", {}, workspace=None)
    await run_jobs()
    assert (await client.as_(cast.owner).get(f"{PATH}/{restored['id']}")).status_code == 200
    assert [item["name"] for item in (await client.as_(cast.owner).get(TRASH)).json()["items"]] == ["Recent"]
    assert (await client.as_(cast.stranger).get(TRASH)).json()["items"] == []
    assert await left_behind(runtime, cast.acme, recordset, []) == set()
    told = await event_types(runtime, cast.acme, entity_id=recordset["id"])
    assert told[-1] == "recordset.purged"
