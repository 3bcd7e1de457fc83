"""The feed: what happened, as a sentence, found by kind, person, team, day and word."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from fostr.domains.activity.feed.reading import LONGEST_VALUE
from fostr.domains.activity.feed.schemas import CUT
from fostr.domains.activity.feed.tasks import keep_activity
from fostr.kernel.db.unit import observe_statements
from fostr.kernel.events.log import BEGINNING, find_settled, read_log
from fostr.kernel.events.outbox import Actor, record
from fostr.kernel.events.visibility import category_of
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.activity import FEED, read_everything, read_feed, read_told, set_moment
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset, grant

Follow = Callable[[], Awaitable[object]]


@pytest.fixture
async def inn(client: Client, cast: Cast, follow: Follow) -> dict[str, Any]:
    """An inn that the owner made; the member may change it, and has."""
    fields = [{"name": "Name", "type": "text"}, {"name": "Beds", "type": "number"}]
    inns = await create_recordset(client.as_(cast.owner), name="Inns", fields=fields)
    await grant(client.as_(cast.owner), inns, cast.member, "can_edit")
    made = await create_record(client.as_(cast.owner), inns, {"name": "Anchor", "beds": 3})
    await change(client, cast, made, {"beds": 4})
    await follow()
    return made


async def change(client: Client, cast: Cast, record: dict[str, Any], values: dict[str, Any]) -> None:
    response = await client.as_(cast.member).patch(f"/api/v1/records/{record['id']}", json={"field_values": values})
    assert response.status_code == 200, response.text


async def test_the_newest_comes_first_as_a_sentence(client: Client, cast: Cast, inn: dict[str, Any]) -> None:
    newest = (await read_feed(client, cast.owner))["items"][0]
    assert newest["description"] == "Member Example changed Anchor in Inns"
    assert (newest["type"], newest["category"], newest["action"]) == ("record.updated", "record", "updated")
    assert newest["actor"] == {"id": str(cast.member.member_id), "name": "Member Example", "avatar_url": None}
    assert (newest["entity"], newest["entity_id"], newest["record_id"]) == ("record", inn["id"], inn["id"])
    assert (newest["entity_name"], newest["scope"]["name"]) == ("Anchor", "Inns")
    assert newest["link"] == f"/records/{inn['id']}"
    told = await read_told(client, cast.owner)
    assert told[1:4] == [
        "Owner Example created Anchor in Inns",
        "Owner Example gave Member Example access to the recordset Inns",
        "Owner Example created the recordset Inns",
    ]


async def test_it_tells_what_changed(client: Client, cast: Cast, inn: dict[str, Any], follow: Follow) -> None:
    long = "x" * (LONGEST_VALUE + 1)
    await change(client, cast, inn, {"name": long})
    await follow()
    items = (await read_feed(client, cast.owner, limit=3))["items"]
    cut = long[:LONGEST_VALUE] + CUT
    renamed = {"field": "field_values.name", "label": "Name", "before": "Anchor", "after": cut}
    assert renamed in items[0]["changes"]
    assert items[1]["changes"] == [{"field": "field_values.beds", "label": "Beds", "before": 3, "after": 4}]
    assert items[2]["changes"] == []


async def test_a_write_of_many_is_one_activity(client: Client, cast: Cast, inn: dict[str, Any], follow: Follow) -> None:
    rows = [{"field_values": {"name": f"Inn {number}"}} for number in range(3)]
    body = {"recordset_id": inn["recordset_id"], "records": rows}
    assert (await client.as_(cast.owner).post("/api/v1/records/bulk-create", json=body)).status_code == 200
    await follow()
    newest = (await read_feed(client, cast.owner))["items"][0]
    assert (newest["description"], newest["count"]) == ("Owner Example created 3 records in Inns", 3)


async def test_what_the_system_did_has_no_actor(client: Client, cast: Cast, runtime: Runtime, follow: Follow) -> None:
    async with runtime.database.unit(cast.acme) as unit:
        await record(unit, type="workspace.updated", entity="workspace", entity_id=cast.acme)
    await follow()
    newest = (await read_feed(client, cast.owner))["items"][0]
    assert newest["actor"] is None
    assert newest["description"].startswith("The system changed ")


async def test_what_an_account_did_is_its_members(client: Client, cast: Cast, runtime: Runtime, follow: Follow) -> None:
    """Events of accounts name no member; who did them can be somebody of no workspace, too."""
    facts = {"email": cast.member.email, "how": "change"}
    async with runtime.database.unit(cast.acme) as unit:
        for user_id in (cast.member.user_id, cast.stranger.user_id):
            await record(
                unit,
                type="account.password_changed",
                entity="account",
                entity_id=cast.member.user_id,
                after=facts,
                actor=Actor(user_id=user_id, kind="session"),
            )
    await follow()
    told = f"set a new password for {cast.member.email}"
    newest = (await read_feed(client, cast.owner, limit=2))["items"]
    assert [item["description"] for item in newest] == [f"Somebody {told}", f"Member Example {told}"]
    assert [item["actor"] and item["actor"]["id"] for item in newest] == [None, str(cast.member.member_id)]
    assert await read_told(client, cast.member, scope="mine") == [f"Member Example {told}"]


async def test_in_whose_hands_somebody_was_is_told(
    client: Client, cast: Cast, runtime: Runtime, inn: dict[str, Any], follow: Follow
) -> None:
    operator = new_id()
    acted = Actor(cast.member.member_id, cast.member.user_id, "jwt", operator)
    async with runtime.database.unit(cast.acme) as unit:
        facts = {"recordset_id": inn["recordset_id"], "version": 3}
        await record(unit, type="record.deleted", entity="record", entity_id=UUID(inn["id"]), before=facts, actor=acted)
    await follow()
    for reader in (cast.owner, cast.member):
        newest, before = (await read_feed(client, reader, limit=2))["items"]
        assert newest["description"] == "An operator, in the name of Member Example, moved Anchor in Inns to the trash"
        assert (newest["actor"]["id"], newest["acting_as"]) == (str(cast.member.member_id), str(operator))
        assert before["acting_as"] is None


@pytest.mark.usefixtures("inn")
async def test_kinds_are_chosen(client: Client, cast: Cast) -> None:
    everything = await read_everything(client, cast.owner)
    kinds = {item["category"] for item in everything}
    assert "record" in kinds
    assert len(kinds) > 1
    for kind in kinds:
        chosen = await read_everything(client, cast.owner, types=kind)
        assert chosen == [item for item in everything if item["category"] == kind]
    assert await read_everything(client, cast.owner, types=",".join(kinds)) == everything
    assert await read_everything(client, cast.owner, types="goal, integration") == []


@pytest.mark.usefixtures("inn")
async def test_people_are_chosen_by_either_id(client: Client, cast: Cast) -> None:
    expected = ["Member Example changed Anchor in Inns"]
    for each in (cast.member.member_id, cast.member.user_id):
        assert await read_told(client, cast.owner, user_ids=each) == expected
    both = await read_everything(client, cast.owner, user_ids=f"{cast.member.member_id},{cast.owner.user_id}")
    assert {item["actor"]["name"] for item in both} == {"Member Example", "Owner Example"}
    times = [item["timestamp"] for item in both]
    assert times == sorted(times, reverse=True)
    assert await read_told(client, cast.owner, user_ids=cast.stranger.member_id) == []
    assert await read_told(client, cast.owner, user_ids=cast.member.member_id, types="user") == []


@pytest.mark.usefixtures("inn")
async def test_ones_own_are_chosen(client: Client, cast: Cast) -> None:
    assert await read_told(client, cast.member, scope="mine") == ["Member Example changed Anchor in Inns"]
    assert await read_told(client, cast.member, scope="mine", user_ids=cast.owner.member_id) == []
    both = f"{cast.owner.member_id},{cast.member.user_id}"
    assert len(await read_told(client, cast.member, scope="mine", user_ids=both)) == 1


@pytest.mark.usefixtures("inn")
async def test_teams_are_chosen_by_who_is_in_them_now(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    team = (await owner.post("/api/v1/teams", json={"name": "Hosts"})).json()
    assert await read_told(client, cast.owner, team_ids=team["id"]) == []
    added = await owner.post(f"/api/v1/teams/{team['id']}/members", json={"member_id": str(cast.member.member_id)})
    assert added.status_code == 201, added.text
    assert await read_told(client, cast.owner, team_ids=team["id"]) == ["Member Example changed Anchor in Inns"]
    more = await read_told(client, cast.owner, team_ids=team["id"], user_ids=cast.owner.member_id)
    assert "Owner Example created the recordset Inns" in more
    assert "Member Example changed Anchor in Inns" in more


async def test_days_are_chosen_to_their_ends(client: Client, cast: Cast, runtime: Runtime, follow: Follow) -> None:
    await follow()
    items = await read_everything(client, cast.owner)
    moments = [
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 2, tzinfo=UTC),
    ]
    for item, moment in zip(items, moments, strict=False):
        await set_moment(runtime, cast.acme, item["id"], moment)
    first, last, after = (item["id"] for item in items[:3])

    async def ids(**asked: str) -> list[str]:
        return [item["id"] for item in await read_everything(client, cast.owner, **asked)]

    assert await ids(start_date="2026-03-01", end_date="2026-03-01") == [last, first]
    assert await ids(start_date="2026-03-02", end_date="2026-03-02") == [after]
    assert await ids(end_date="2026-03-01T00:00:00Z") == [first]
    assert await ids(end_date="2026-03-01T00:30:00+01:00") == []
    assert await ids(start_date="2026-03-02T00:00:00", end_date="2026-03-31") == [after]
    assert after not in await ids(start_date="2026-03-03")
    assert await ids(start_date="2026-03-02", end_date="2026-03-01") == []
    # The other ways of ISO 8601 to write a day are days as well.
    assert await ids(start_date="20260301", end_date="20260301") == [last, first]
    assert await ids(start_date="2026-W09-7", end_date="2026W097") == [last, first]


@pytest.mark.usefixtures("inn")
async def test_words_are_found_in_the_sentence(client: Client, cast: Cast) -> None:
    assert await read_told(client, cast.owner, search="anchor CHANGED") == ["Member Example changed Anchor in Inns"]
    assert await read_told(client, cast.owner, search="ncho") == [
        "Member Example changed Anchor in Inns",
        "Owner Example created Anchor in Inns",
    ]
    assert await read_told(client, cast.owner, search="anchor harbour") == []
    assert len(await read_told(client, cast.owner, search="  ")) > 2


@pytest.mark.parametrize(
    ("asked", "parameter"),
    [
        ({"types": "record,weather"}, "types"),
        ({"start_date": "yesterday"}, "start_date"),
        ({"start_date": "2026-02-30"}, "start_date"),
        ({"start_date": "0001-01-01T00:00:00+14:00"}, "start_date"),
        ({"end_date": "2026-13-01"}, "end_date"),
        ({"user_ids": "me"}, "user_ids"),
        ({"user_ids": ",".join(["0192f0c1-a2b3-7c4d-8e9f-001122334455"] * 201)}, "user_ids"),
        ({"team_ids": "0192f0c1-a2b3-7c4d-8e9f-001122334455"}, "team_ids"),
        ({"cursor": "0192f0c1-a2b3-7c4d-8e9f-001122334455"}, "cursor"),
    ],
)
async def test_what_cannot_be_asked_for_is_refused(
    client: Client, cast: Cast, asked: dict[str, str], parameter: str
) -> None:
    response = await client.as_(cast.owner).get(FEED, params=asked)
    assert refusal(response) == (422, "activity_filter_invalid")
    assert response.json()["parameter"] == parameter


@pytest.mark.parametrize(
    "asked", [{"limit": 0}, {"limit": 101}, {"offset": -1}, {"scope": "theirs"}, {"cursor": "x"}, {"search": "x" * 201}]
)
async def test_bad_input_is_refused(client: Client, cast: Cast, asked: dict[str, Any]) -> None:
    assert refusal(await client.as_(cast.owner).get(FEED, params=asked)) == (422, "validation_failed")


async def test_the_last_days_of_the_calendar_can_be_asked_for(client: Client, cast: Cast, follow: Follow) -> None:
    await follow()
    assert await read_told(client, cast.owner, end_date="9999-12-31") != []
    assert await read_told(client, cast.owner, start_date="0001-01-01") != []


async def test_a_stranger_learns_nothing(client: Client, cast: Cast, inn: dict[str, Any], follow: Follow) -> None:
    await follow()
    as_stranger = client.as_(cast.stranger, workspace=cast.acme)
    assert refusal(await as_stranger.get(FEED)) == (404, "not_found")
    assert refusal(await client.anonymous().get(FEED)) == (401, "unauthorized")
    own = await read_everything(client, cast.stranger)
    assert own != []
    assert all(item["entity_id"] != inn["id"] and "Anchor" not in item["description"] for item in own)
    theirs = (await read_feed(client, cast.owner))["items"][0]["id"]
    crossed = await client.as_(cast.stranger).get(FEED, params={"cursor": theirs})
    assert refusal(crossed) == (422, "activity_filter_invalid")


async def test_a_role_without_the_right_is_refused(client: Client, cast: Cast) -> None:
    taken = {"permissions": {"can_view_activity": False}}
    assert (await client.as_(cast.owner).patch("/api/v1/permissions/roles/viewer", json=taken)).status_code == 200
    assert refusal(await client.as_(cast.viewer).get(FEED)) == (403, "forbidden")
    assert (await client.as_(cast.member).get(FEED)).status_code == 200


async def test_an_event_that_comes_twice_is_there_once(
    client: Client, cast: Cast, runtime: Runtime, inn: dict[str, Any]
) -> None:
    before = await read_everything(client, cast.owner)
    assert any(item["entity_id"] == inn["id"] for item in before)
    async with runtime.database.unit(cast.acme) as unit:
        part = await read_log(unit, after=BEGINNING, settled=await find_settled(unit), limit=1000)
        for event in part.events:
            await keep_activity(unit, event)
    assert await read_everything(client, cast.owner) == before
    belonging = [str(event.id) for event in part.events if category_of(event.entity) is not None]
    assert sorted(item["id"] for item in before) == sorted(belonging)


async def test_what_is_told_to_single_members_stays_out(
    client: Client, cast: Cast, runtime: Runtime, follow: Follow
) -> None:
    facts = {"member_id": str(cast.owner.member_id), "count": 1, "notification_id": None}
    async with runtime.database.unit(cast.acme) as unit:
        await record(unit, type="notification.read", entity="notification", entity_id=cast.owner.member_id, after=facts)
    await follow()
    assert all(item["entity"] != "notification" for item in await read_everything(client, cast.owner))


async def test_the_number_of_statements_does_not_grow(
    client: Client, cast: Cast, inn: dict[str, Any], follow: Follow
) -> None:
    for number in range(5, 35):
        await change(client, cast, inn, {"beds": number})
    await follow()
    counts: list[int] = []
    for limit in (2, 30):
        statements: list[str] = []
        end = observe_statements(lambda text, _, kept=statements: kept.append(text))
        assert len((await read_feed(client, cast.owner, limit=limit, types="record"))["items"]) == limit
        end()
        counts.append(len(statements))
    assert counts[0] == counts[1]


async def test_a_type_that_this_version_does_not_know_is_told(
    client: Client, cast: Cast, runtime: Runtime, follow: Follow
) -> None:
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            """
            insert into events (workspace_id, id, type, entity, entity_id, after)
            values (:workspace, :id, 'windmill.lit', 'windmill', :id, :after)
            """,
            id=new_id(),
            after={"member_id": "the miller", "team_id": 7, "to_member_id": None},
        )
    await follow()
    assert (await read_told(client, cast.owner))[0] == "The system lit a windmill"
    assert all(item["entity"] != "windmill" for item in await read_everything(client, cast.member))


async def test_a_moment_is_told_with_its_zone(client: Client, cast: Cast, inn: dict[str, Any]) -> None:
    newest = (await read_feed(client, cast.owner, limit=1))["items"][0]
    assert newest["entity_id"] == inn["id"]
    assert datetime.now(UTC) - datetime.fromisoformat(newest["timestamp"]) < timedelta(minutes=5)
