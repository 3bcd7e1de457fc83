"""Part by part, the feed is the same as the whole, whatever of it the reader may not see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fostr.domains.activity.feed.service import MOST_PASSED
from fostr.kernel.ids import new_ids
from fostr.kernel.runtime import Runtime
from tests.support.activity import FEED, read_everything, read_feed
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset, grant

Follow = Callable[[], Awaitable[object]]


@pytest.fixture
async def mixture(client: Client, cast: Cast, follow: Follow) -> None:
    """What the member may see and what not, in turns."""
    owner = client.as_(cast.owner)
    fields = [{"name": "Name", "type": "text"}]
    shown, hidden = [await create_recordset(owner, name=name, fields=fields) for name in ("Inns", "Secrets")]
    await grant(owner, shown, cast.member, "can_edit")
    for number in range(12):
        recordset = hidden if number % 3 == 1 else shown
        by = cast.member if number % 4 == 0 and recordset is shown else cast.owner
        made = await create_record(owner, recordset, {"name": f"No. {number % 2}"})
        body = {"field_values": {"name": f"No. {number}"}}
        assert (await client.as_(by).patch(f"/api/v1/records/{made['id']}", json=body)).status_code == 200
    await follow()


FILTERS: Final[list[dict[str, Any]]] = [
    {},
    {"types": "record"},
    {"types": "record,user"},
    {"scope": "mine"},
    {"search": "changed no"},
]
SETTINGS: Final = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.usefixtures("mixture")
@SETTINGS
@given(
    asked=st.sampled_from(FILTERS), name=st.sampled_from(["owner", "member"]), limit=st.integers(1, 60), data=st.data()
)
async def test_any_way_of_paging_gives_the_whole(
    client: Client, cast: Cast, asked: dict[str, Any], name: str, limit: int, data: st.DataObject
) -> None:
    person = getattr(cast, name)
    whole = await read_everything(client, person, **asked, limit=100)
    assert len(whole) == len({item["id"] for item in whole}) > 0
    assert await read_everything(client, person, **asked, limit=limit) == whole
    offset = data.draw(st.integers(0, len(whole) + 2))
    part = await read_feed(client, person, **asked, limit=limit, offset=offset)
    assert part["items"] == whole[offset : offset + limit]
    assert part["has_more"] == (offset + limit < len(whole))
    assert part["total"] == (None if part["has_more"] else len(whole))
    start = data.draw(st.integers(0, len(whole) - 1))
    behind = await read_feed(client, person, **asked, limit=limit, cursor=whole[start]["id"])
    assert behind["items"] == whole[start + 1 : start + 1 + limit]


@pytest.mark.usefixtures("mixture")
async def test_what_the_reader_may_not_see_is_in_no_part(client: Client, cast: Cast) -> None:
    everything = await read_everything(client, cast.owner)
    shown = [item for item in everything if item["scope"] is None or item["scope"]["name"] != "Secrets"]
    seen = await read_everything(client, cast.member, limit=3)
    assert {item["id"] for item in seen} <= {item["id"] for item in shown}
    assert [item["id"] for item in seen if item["record_id"]] == [item["id"] for item in shown if item["record_id"]]


async def test_what_happens_in_between_moves_nothing(client: Client, cast: Cast, mixture: None, follow: Follow) -> None:
    del mixture
    before = await read_everything(client, cast.owner)
    first = await read_feed(client, cast.owner, limit=10)
    await create_recordset(client.as_(cast.owner), name="More", fields=[{"name": "Name", "type": "text"}])
    await follow()
    second = await read_feed(client, cast.owner, limit=10, cursor=first["next_cursor"])
    assert first["items"] + second["items"] == before[:20]
    assert (await read_feed(client, cast.owner, limit=1))["items"][0]["entity_name"] == "More"


@pytest.fixture
async def much_hidden(client: Client, cast: Cast, runtime: Runtime, follow: Follow) -> list[dict[str, Any]]:
    """What the member may see, below more than one request passes over that they may not."""
    await follow()
    seen = await read_everything(client, cast.member)
    secrets = await create_recordset(client.as_(cast.owner), name="Secrets", fields=[{"name": "Name", "type": "text"}])
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
            ids=new_ids(MOST_PASSED + 100),
            recordset_id=UUID(secrets["id"]),
            actor={"member_id": str(cast.owner.member_id)},
            actor_id=cast.owner.member_id,
        )
    return seen


async def test_one_request_looks_through_no_more_than_it_may(
    client: Client, cast: Cast, much_hidden: list[dict[str, Any]]
) -> None:
    first = await read_feed(client, cast.member)
    assert (first["items"], first["has_more"], first["total"]) == ([], True, None)
    second = await read_feed(client, cast.member, cursor=first["next_cursor"])
    assert [item["id"] for item in second["items"]] == [item["id"] for item in much_hidden][:20]
    assert await read_everything(client, cast.member) == much_hidden
    skipped = await client.as_(cast.member).get(FEED, params={"offset": 3})
    assert refusal(skipped) == (422, "offset_too_far")
    assert (await read_feed(client, cast.owner, offset=MOST_PASSED + 1))["items"] != []


@pytest.mark.usefixtures("much_hidden")
async def test_one_request_folds_no_more_than_it_may(client: Client, cast: Cast) -> None:
    first = await read_feed(client, cast.owner, group=True)
    assert [item["times"] for item in first["items"]] == [MOST_PASSED + 1]
    assert (first["has_more"], first["total"]) == (True, None)
    second = await read_feed(client, cast.owner, group=True, cursor=first["next_cursor"])
    assert second["items"][0]["times"] == 99
    assert not second["has_more"]
