"""Records follow the definition of their recordset: a few at once, many by a job, and never telling too much."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from fostr.domains.records.recordsets.repository import lock_recordset
from fostr.domains.records.recordsets.resync.service import MOST_AT_ONCE
from fostr.kernel.db.unit import observe_statements
from fostr.kernel.jobs.status import get_job
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_recordset, grant
from tests.support.rows import insert_records, kept_records

PATH = "/api/v1/recordsets"
RunJobs = Callable[[], Awaitable[None]]
MANY = MOST_AT_ONCE + 1


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    return await create_recordset(
        client.as_(cast.owner),
        fields=[
            {"name": "Name", "type": "text"},
            {"name": "Lat", "type": "number", "is_promoted": True},
            {"name": "Lng", "type": "number", "is_promoted": True},
            {"name": "Opened", "type": "date", "is_promoted": False},
            {"name": "Notes", "type": "long_text"},
        ],
    )


def airport(number: int) -> dict[str, Any]:
    return {
        "name": f"Field {number}",
        "lat": number % 90,
        "lng": -(number % 180),
        "opened": "1930-05-01",
        "notes": f"remark{number}",
    }


async def change(client: Client, cast: Cast, recordset: dict[str, Any], **data: Any) -> dict[str, Any]:
    response = await client.as_(cast.owner).patch(f"{PATH}/{recordset['id']}", json=data)
    assert response.status_code == 200, response.text
    return response.json()


async def resync(client: Client, cast: Cast, recordset: dict[str, Any]) -> UUID:
    response = await client.as_(cast.owner).post(f"{PATH}/{recordset['id']}/resync-promoted")
    assert response.status_code == 200, response.text
    return UUID(response.json()["job_id"])


async def show(client: Client, cast: Cast, recordset: dict[str, Any]) -> dict[str, Any]:
    return (await client.as_(cast.owner).get(f"{PATH}/{recordset['id']}")).json()


async def test_few_records_follow_at_once(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    await insert_records(runtime, cast.acme, recordset, [airport(number) for number in range(3)])
    await insert_records(runtime, cast.acme, recordset, [airport(3)], deleted=True)
    changed = await change(
        client,
        cast,
        recordset,
        fields=[{"key": "opened", "is_promoted": True}, {"key": "lng", "is_promoted": False}],
        settings={"title_field": "notes", "map": {"lat_field": "lat", "lng_field": "lng"}},
    )
    assert (changed["is_in_step"], changed["record_count"]) == (True, 3)
    kept = await kept_records(runtime, cast.acme, recordset)
    assert [row["title"] for row in kept] == ["remark0", "remark1", "remark2", "remark3"]
    assert [row["text_1"] for row in kept] == ["Field 0", "Field 1", "Field 2", "Field 3"]
    assert [row["number_1"] for row in kept] == [0, 1, 2, 3]
    assert {row["number_2"] for row in kept} == {None}
    assert {row["time_1"].isoformat() for row in kept} == {"1930-05-01T00:00:00+00:00"}
    assert kept[1]["geometry"] == {"type": "Point", "coordinates": [-1, 1]}
    assert (kept[1]["geometry_type"], kept[1]["bbox"]) == ("Point", "(-1,1),(-1,1)")
    assert all(f"'remark{number}'" in row["words"] for number, row in enumerate(kept))
    assert {row["version"] for row in kept} == {1}


async def test_many_records_follow_by_a_job(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    await insert_records(runtime, cast.acme, recordset, [airport(number) for number in range(MANY)])
    await insert_records(runtime, cast.acme, recordset, [airport(number) for number in range(MANY)], deleted=True)
    changed = await change(client, cast, recordset, settings={"title_field": "notes"})
    assert changed["is_in_step"] is False
    assert {row["title"] for row in await kept_records(runtime, cast.acme, recordset)} == {""}

    await run_jobs()
    kept = await kept_records(runtime, cast.acme, recordset)
    assert len(kept) == 2 * MANY
    assert all(row["title"] == row["field_values"]["notes"] for row in kept)
    assert all(row["text_1"] == row["field_values"]["name"] for row in kept)
    assert all(f"'{row['field_values']['notes']}'" in row["words"] for row in kept)
    after = await show(client, cast, recordset)
    assert (after["is_in_step"], after["record_count"], after["version"]) == (True, MANY, changed["version"])
    told = await event_types(runtime, cast.acme, entity_id=recordset["id"])
    assert told == ["recordset.created", "recordset.updated", "recordset.resynced"]


async def test_a_column_is_read_once_it_is_filled(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    await insert_records(runtime, cast.acme, recordset, [airport(number) for number in range(MANY)])
    changed = await change(client, cast, recordset, fields=[{"key": "opened", "is_promoted": True}])
    assert changed["is_in_step"] is False

    async def found() -> tuple[int, bool]:
        """Return how many there are, and whether the column was read."""
        texts: list[str] = []
        end = observe_statements(lambda text, _: texts.append(text))
        params = {"recordset_id": recordset["id"], "column_filters": '{"opened": "1930-05-01"}', "page_size": 1}
        total = (await client.as_(cast.owner).get("/api/v1/records", params=params)).json()["total"]
        end()
        return total, any("r.time_1" in text for text in texts)

    assert await found() == (MANY, False)
    await run_jobs()
    assert await found() == (MANY, True)
    assert {row["time_1"] is None for row in await kept_records(runtime, cast.acme, recordset)} == {False}


async def test_a_new_field_asks_for_no_job(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    await insert_records(runtime, cast.acme, recordset, [airport(number) for number in range(MANY)])
    changed = await change(
        client, cast, recordset, fields=[{"name": "Code", "type": "text", "is_promoted": True}], name="Other"
    )
    assert changed["is_in_step"] is True
    assert changed["fields"][-1]["is_promoted"] is True


async def test_a_new_field_does_not_inherit_a_column(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    await insert_records(runtime, cast.acme, recordset, [airport(number) for number in range(MANY)])
    await resync(client, cast, recordset)
    await run_jobs()
    await change(client, cast, recordset, remove_fields=["lat"])
    # While the job is under way, the column of the removed field still holds its latitudes.
    fields = [{"name": f"N{number}", "type": "number"} for number in range(3)]
    changed = await change(client, cast, recordset, fields=fields)
    assert changed["is_in_step"] is False
    params = {"recordset_id": recordset["id"], "numeric_filters": '{"n0": {"gte": 0}}'}
    filtered = (await client.as_(cast.owner).get("/api/v1/records", params=params)).json()
    assert filtered["total"] == 0
    await run_jobs()
    assert {row["number_1"] for row in await kept_records(runtime, cast.acme, recordset)} == {None}
    assert (await client.as_(cast.owner).get("/api/v1/records", params=params)).json()["total"] == 0


async def test_removed_fields_are_gone_at_once_and_their_values_soon(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    await insert_records(runtime, cast.acme, recordset, [airport(number) for number in range(MANY)])
    changed = await change(client, cast, recordset, remove_fields=["notes"])
    assert "notes" not in [field["key"] for field in changed["fields"]]
    params = {"recordset_id": recordset["id"], "page_size": 1}
    listed = (await client.as_(cast.owner).get("/api/v1/records", params=params)).json()
    assert "notes" not in listed["items"][0]["field_values"]
    path = f"{PATH}/{recordset['id']}"
    again = {"fields": [{"name": "Notes", "type": "number", "key": "notes"}]}
    assert refusal(await client.as_(cast.owner).patch(path, json=again)) == (422, "duplicate_field_key")

    await run_jobs()
    kept = await kept_records(runtime, cast.acme, recordset)
    assert {"notes" in row["field_values"] for row in kept} == {False}
    assert {"remark" in row["words"] for row in kept} == {False}
    assert (await client.as_(cast.owner).patch(path, json=again)).status_code == 200


async def test_what_becomes_hidden_can_neither_be_found_nor_read(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    await insert_records(runtime, cast.acme, recordset, [airport(number) for number in range(MANY)])
    await grant(client.as_(cast.owner), recordset, cast.viewer, "can_view")
    await resync(client, cast, recordset)
    await run_jobs()

    async def seen(search: str) -> tuple[int, set[str]]:
        params = {"recordset_id": recordset["id"], "search": search, "page_size": 5}
        listed = (await client.as_(cast.viewer).get("/api/v1/records", params=params)).json()
        return listed["total"], {item["title"][:5] for item in listed["items"]}

    assert await seen("Field") == (MANY, {"Field"})
    hidden = [{"key": "name", "hidden_from": ["viewer"]}]
    await change(client, cast, recordset, fields=hidden, settings={"title_field": "opened"})
    assert await seen("Field") == (0, set())
    params = {"recordset_id": recordset["id"], "page_size": 1}
    listed = (await client.as_(cast.viewer).get("/api/v1/records", params=params)).json()
    assert (listed["items"][0]["title"], "name" in listed["items"][0]["field_values"]) == ("", False)
    path = f"{PATH}/{recordset['id']}"
    early = await client.as_(cast.owner).patch(path, json={"remove_fields": ["name"]})
    assert refusal(early) == (409, "resync_under_way")

    await run_jobs()
    assert await seen("Field") == (0, set())
    assert await seen("remark7") == (111, {"1930-"})
    assert (await client.as_(cast.owner).patch(path, json={"remove_fields": ["name"]})).status_code == 200


async def test_the_last_of_several_changes_counts(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    await insert_records(runtime, cast.acme, recordset, [airport(number) for number in range(MANY)])
    await change(client, cast, recordset, settings={"title_field": "notes"})
    await change(client, cast, recordset, settings={"title_field": "opened"})
    await change(client, cast, recordset, fields=[{"name": "Code", "type": "text"}])
    await run_jobs()
    assert {row["title"] for row in await kept_records(runtime, cast.acme, recordset)} == {"1930-05-01"}
    assert (await show(client, cast, recordset))["is_in_step"] is True


async def test_changes_under_the_job_are_followed(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    await insert_records(runtime, cast.acme, recordset, [airport(number) for number in range(5 * MOST_AT_ONCE)])
    await change(client, cast, recordset, settings={"title_field": "notes"})
    begun = asyncio.Event()
    end = observe_statements(lambda text, _: begun.set() if "update records r" in text else None)
    running = asyncio.ensure_future(run_jobs())
    await begun.wait()
    end()
    await change(client, cast, recordset, settings={"title_field": "opened"})
    await running
    await run_jobs()
    assert {row["title"] for row in await kept_records(runtime, cast.acme, recordset)} == {"1930-05-01"}
    assert (await show(client, cast, recordset))["is_in_step"] is True


async def test_a_resync_mends_what_drifted(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    await insert_records(runtime, cast.acme, recordset, [airport(1), airport(2)])
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            """
            insert into recordset_counts (workspace_id, recordset_id, shard, count) values (:workspace, :id, 0, 7)
            """,
            id=UUID(recordset["id"]),
        )
    job_id = await resync(client, cast, recordset)
    assert await resync(client, cast, recordset) == job_id
    await run_jobs()
    async with runtime.database.unit(cast.acme) as unit:
        job = await get_job(unit, job_id)
    assert (job.status, job.result) == ("completed", {"records": 2, "outcome": "done"})
    assert [row["title"] for row in await kept_records(runtime, cast.acme, recordset)] == ["Field 1", "Field 2"]
    assert (await show(client, cast, recordset))["record_count"] == 2


async def test_a_map_is_enabled(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], run_jobs: RunJobs
) -> None:
    await insert_records(runtime, cast.acme, recordset, [airport(1), {"name": "Nowhere"}, {"lat": 1000, "lng": 0}])
    owner = client.as_(cast.owner)
    places = {"lat_field": "lat", "lng_field": "lng"}
    response = await owner.post(f"{PATH}/{recordset['slug']}/enable-map", json=places)
    assert response.status_code == 200, response.text
    enabled = response.json()["recordset"]
    assert (enabled["mode"], enabled["version"]) == ("map", 2)
    assert {key: value for key, value in enabled["settings"]["map"].items() if value} == places
    await run_jobs()
    kept = await kept_records(runtime, cast.acme, recordset)
    assert [row["geometry_type"] for row in kept] == ["Point", None, None]

    twice = await owner.post(f"{PATH}/{recordset['slug']}/enable-map", json=places)
    assert twice.json()["recordset"]["version"] == 2
    for body, code in (({"lat_field": "name", "lng_field": "lng"}, "settings_invalid"), ({}, "validation_failed")):
        assert refusal(await owner.post(f"{PATH}/{recordset['slug']}/enable-map", json=body)) == (422, code)


async def test_only_who_administers_starts_jobs(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    path = f"{PATH}/{recordset['id']}"
    places = {"lat_field": "lat", "lng_field": "lng"}
    await grant(client.as_(cast.owner), recordset, cast.member, "can_edit", "can_delete")
    for person, expected in (
        (cast.member, (403, "recordset_action_forbidden")),
        (cast.viewer, (404, "recordset_not_found")),
    ):
        assert refusal(await client.as_(person).post(f"{path}/resync-promoted")) == expected
        assert refusal(await client.as_(person).post(f"{path}/enable-map", json=places)) == expected
    await grant(client.as_(cast.owner), recordset, cast.member, "can_admin")
    assert (await client.as_(cast.member).post(f"{path}/resync-promoted")).status_code == 200
    assert (await client.as_(cast.member).post(f"{path}/enable-map", json=places)).status_code == 200


async def test_a_definition_that_changes_waits_for_writes_under_way(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    recordset_id = UUID(recordset["id"])
    async with runtime.database.unit(cast.acme) as unit:
        assert await lock_recordset(unit, recordset_id, fields_version=1)
        changing = asyncio.create_task(change(client, cast, recordset, remove_fields=["notes"]))
        done, _ = await asyncio.wait([changing], timeout=0.3)
        assert not done
    assert "notes" not in [field["key"] for field in (await changing)["fields"]]
    async with runtime.database.unit(cast.acme) as unit:
        assert not await lock_recordset(unit, recordset_id, fields_version=1)
        assert await lock_recordset(unit, recordset_id, fields_version=2)
        assert await lock_recordset(unit, recordset_id)
