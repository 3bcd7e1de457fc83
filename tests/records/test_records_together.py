"""Several people at once: nothing that was answered is lost, and nobody overwrites what they have not seen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, create_airports, list_page
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.records import create_record


@pytest.fixture
async def record(client: Client, cast: Cast) -> dict[str, Any]:
    """A record that owner and member may change."""
    return await create_record(
        client.as_(cast.owner), await create_airports(client, cast), {"name": "A", "state": "TX"}
    )


@pytest.mark.parametrize("by_header", [True, False])
async def test_a_stale_version_loses_nothing(
    client: Client, cast: Cast, record: dict[str, Any], *, by_header: bool
) -> None:
    path = f"{RECORDS}/{record['id']}"
    first = {"field_values": {"state": "CA", "elevation": 7}, "tags": ["seen"], "expected_version": 1}
    assert (await client.as_(cast.owner).patch(path, json=first)).json()["version"] == 2

    body: dict[str, Any] = {"field_values": {"state": "NY", "city": "Rome"}}
    headers = {"If-Match": '"1"'} if by_header else {}
    late = await client.as_(cast.member).patch(
        path, json=body if by_header else {**body, "expected_version": 1}, headers=headers
    )
    assert refusal(late) == (409, "stale_update")
    told = late.json()
    assert (told["expected_version"], told["current_version"]) == (1, 2)
    assert sorted(told["changed_fields"]) == ["elevation", "state", "tags"]
    kept = (await client.as_(cast.owner).get(path)).json()
    assert (kept["field_values"], kept["version"]) == ({"name": "A", "state": "CA", "elevation": 7}, 2)

    again = await client.as_(cast.member).patch(path, json={**body, "expected_version": 2})
    assert again.json()["field_values"] == {"name": "A", "state": "NY", "elevation": 7, "city": "Rome"}


async def test_deleting_and_going_back_honour_the_version(client: Client, cast: Cast, record: dict[str, Any]) -> None:
    path, owner = f"{RECORDS}/{record['id']}", client.as_(cast.owner)
    await owner.patch(path, json={"field_values": {"state": "CA"}})
    stale = {"If-Match": '"1"'}
    assert refusal(await owner.delete(path, headers=stale)) == (409, "stale_update")
    back = await owner.post(f"{path}/history/{record['id']}/restore", headers=stale)
    assert refusal(back) == (409, "stale_update")
    assert refusal(await owner.patch(path, json={}, headers={"If-Match": '"x"'})) == (400, "if_match_invalid")
    assert (await owner.get(path)).json()["version"] == 2
    assert (await owner.delete(path, headers={"If-Match": '"2"'})).status_code == 204


async def test_parallel_changes_of_other_fields_are_all_kept(
    client: Client, cast: Cast, record: dict[str, Any]
) -> None:
    path = f"{RECORDS}/{record['id']}"
    changes: dict[str, Any] = {
        "name": "B", "state": "CA", "city": "C", "elevation": 1, "runways": 2, "is_open": True, "uses": ["u"],
        "opened": "2020-01-01",
    }  # fmt: skip
    people = [cast.owner, cast.member]
    answers = await asyncio.gather(
        *(
            client.as_(people[number % 2]).patch(path, json={"field_values": {key: value}})
            for number, (key, value) in enumerate(changes.items())
        )
    )
    assert sorted(answer.json()["version"] for answer in answers) == list(range(2, 10))
    assert (await client.as_(cast.owner).get(path)).json()["field_values"] == changes


async def test_of_parallel_changes_from_one_version_one_wins(
    client: Client, cast: Cast, record: dict[str, Any]
) -> None:
    path = f"{RECORDS}/{record['id']}"
    answers = await asyncio.gather(
        *(
            client.as_(cast.member).patch(path, json={"field_values": {"city": f"C{n}"}, "expected_version": 1})
            for n in range(8)
        )
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [409] * 7
    winner = next(answer for answer in answers if answer.status_code == 200)
    assert (await client.as_(cast.owner).get(path)).json() == winner.json()


async def test_parallel_creates_and_deletes_keep_the_count(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    made = await asyncio.gather(*(create_record(member, airports, {"name": f"R{n}"}) for n in range(12)))
    gone = [record["id"] for record in made[:6]]
    answers = await asyncio.gather(
        *(member.delete(f"{RECORDS}/{record_id}") for record_id in gone),
        *(member.delete(f"{RECORDS}/{record_id}") for record_id in gone),
        member.post(f"{RECORDS}/bulk-delete", json={"record_ids": gone}),
    )
    # Each record was deleted by one of the three who tried.
    by_bulk = sum(result["result"] == "deleted" for result in answers[-1].json()["results"])
    assert sum(answer.status_code == 204 for answer in answers[:-1]) + by_bulk == 6
    page = await list_page(member, airports)
    assert (page["total"], len(page["items"])) == (6, 6)
    exact = await list_page(member, airports, status="active", count="exact")
    assert exact["total"] == 6


async def test_a_record_is_never_written_by_fields_of_yesterday(
    client: Client, cast: Cast, runtime: Runtime, record: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    recordset = f"/api/v1/recordsets/{record['recordset_id']}"
    path = f"{RECORDS}/{record['id']}"
    async with runtime.database.unit(cast.acme) as unit:
        # Somebody is about to remove a field, and holds the recordset for that.
        await unit.run(
            "select s.id from recordsets s where s.workspace_id = :workspace and s.slug = :slug for update",
            slug=(await owner.get(recordset)).json()["slug"],
        )
        writes = [
            asyncio.create_task(owner.patch(path, json={"field_values": {"elevation": 9}})),
            asyncio.create_task(
                owner.post(RECORDS, json={"recordset_id": record["recordset_id"], "field_values": {"name": "B"}})
            ),
        ]
        await asyncio.sleep(0.3)
        assert not any(write.done() for write in writes)
        await unit.run(
            """
            update recordsets s set fields_version = s.fields_version + 1, synced_version = s.fields_version + 1
            where s.workspace_id = :workspace and s.id = :id
            """,
            id=record["recordset_id"],
        )
        await unit.run(
            """
            update recordset_fields f set promoted_to = null
            where f.workspace_id = :workspace and f.recordset_id = :id and f.key = 'elevation'
            """,
            id=record["recordset_id"],
        )
    answers = await asyncio.gather(*writes)
    assert [answer.status_code for answer in answers] == [200, 201]
    async with runtime.database.unit(cast.acme) as unit:
        promoted = await unit.value(
            "select r.number_1 from records r where r.workspace_id = :workspace and r.id = :id", id=record["id"]
        )
    assert promoted is None
    assert (await owner.get(path)).json()["field_values"]["elevation"] == 9
