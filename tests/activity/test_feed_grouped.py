"""What one person does to one thing again and again is one activity, for whoever wants it so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fostr.domains.activity.feed.folding import WITHIN
from fostr.kernel.runtime import Runtime
from tests.support.activity import read_everything, read_feed, set_moment
from tests.support.cast import Cast, Person
from tests.support.client import Client
from tests.support.records import create_record, create_recordset, grant

Follow = Callable[[], Awaitable[object]]


@pytest.fixture
async def inns(client: Client, cast: Cast) -> list[dict[str, Any]]:
    """Two inns that the member may change."""
    owner = client.as_(cast.owner)
    fields = [{"name": "Name", "type": "text"}, {"name": "Beds", "type": "number"}, {"name": "Fee", "type": "number"}]
    recordset = await create_recordset(owner, name="Inns", fields=fields)
    await grant(owner, recordset, cast.member, "can_edit")
    return [await create_record(owner, recordset, {"name": name, "beds": 1}) for name in ("Anchor", "Bell")]


@pytest.fixture
def change(client: Client) -> Callable[..., Awaitable[None]]:
    async def send(person: Person, record: dict[str, Any], **values: Any) -> None:
        path = f"/api/v1/records/{record['id']}"
        response = await client.as_(person).patch(path, json={"field_values": values})
        assert response.status_code == 200, response.text

    return send


Change = Callable[..., Awaitable[None]]


async def read_changes(client: Client, cast: Cast, **asked: Any) -> list[dict[str, Any]]:
    items = await read_everything(client, cast.owner, group=True, **asked)
    return [item for item in items if item["type"] == "record.updated"]


async def test_edits_in_a_row_are_one(
    client: Client, cast: Cast, inns: list[dict[str, Any]], change: Change, follow: Follow
) -> None:
    await change(cast.member, inns[0], beds=2)
    await change(cast.member, inns[0], fee=10)
    await change(cast.member, inns[0], beds=3)
    await follow()
    [one] = await read_changes(client, cast)
    alone = [item for item in await read_everything(client, cast.owner) if item["type"] == "record.updated"]
    assert (one["times"], one["id"]) == (3, alone[0]["id"])
    assert (one["timestamp"], one["started_at"]) == (alone[0]["timestamp"], alone[2]["timestamp"])
    assert sorted(one["changes"], key=lambda entry: entry["field"]) == [
        {"field": "field_values.beds", "label": "Beds", "before": 1, "after": 3},
        {"field": "field_values.fee", "label": "Fee", "before": None, "after": 10},
    ]
    assert [item["times"] for item in alone] == [1, 1, 1]


async def test_what_is_as_it_was_has_not_changed(
    client: Client, cast: Cast, inns: list[dict[str, Any]], change: Change, follow: Follow
) -> None:
    await change(cast.member, inns[0], beds=2)
    await change(cast.member, inns[0], fee=10)
    await change(cast.member, inns[0], beds=1)
    await follow()
    [one] = await read_changes(client, cast)
    assert (one["times"], [entry["label"] for entry in one["changes"]]) == (3, ["Fee"])


async def test_other_people_and_other_things_come_between(
    client: Client, cast: Cast, inns: list[dict[str, Any]], change: Change, follow: Follow
) -> None:
    await change(cast.member, inns[0], beds=2)
    await change(cast.owner, inns[0], beds=3)
    await change(cast.owner, inns[1], beds=4)
    await change(cast.owner, inns[1], beds=5)
    await change(cast.owner, inns[0], beds=6)
    await follow()
    told = [(item["description"], item["times"]) for item in await read_changes(client, cast)]
    assert told == [
        ("Owner Example changed Anchor in Inns", 1),
        ("Owner Example changed Bell in Inns", 2),
        ("Owner Example changed Anchor in Inns", 1),
        ("Member Example changed Anchor in Inns", 1),
    ]


async def test_a_pause_comes_between(
    client: Client, cast: Cast, runtime: Runtime, inns: list[dict[str, Any]], change: Change, follow: Follow
) -> None:
    for beds in range(2, 6):
        await change(cast.member, inns[0], beds=beds)
    await follow()
    alone = [item for item in await read_everything(client, cast.owner) if item["type"] == "record.updated"]
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for item, ago in zip(alone, (timedelta(), WITHIN, 2 * WITHIN, 3 * WITHIN + timedelta(seconds=1)), strict=True):
        await set_moment(runtime, cast.acme, item["id"], moment - ago)
    assert [item["times"] for item in await read_changes(client, cast)] == [3, 1]


async def test_parts_of_the_grouped_feed_make_the_whole(
    client: Client, cast: Cast, inns: list[dict[str, Any]], change: Change, follow: Follow
) -> None:
    for number in range(12):
        await change(cast.member, inns[number % 5 == 4], beds=10 + number)
    await follow()
    whole = await read_everything(client, cast.owner, group=True, limit=100)
    assert sum(item["times"] for item in whole) == len(await read_everything(client, cast.owner))
    assert max(item["times"] for item in whole) == 4
    for limit in (1, 2, 3, 5):
        assert await read_everything(client, cast.owner, group=True, limit=limit) == whole
        for offset in (0, 1, 2, 4):
            part = await read_feed(client, cast.owner, group=True, limit=limit, offset=offset)
            assert part["items"] == whole[offset : offset + limit]
            assert part["has_more"] == (offset + limit < len(whole))
