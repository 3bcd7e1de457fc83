"""The live stream: what comes, to whom, and where it goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import pytest

from fostr.domains.notifications.stream.service import plural
from fostr.kernel import clock
from fostr.kernel.events.hub import MOST_OF_A_PERSON, RETRY_SECONDS, RETRY_SPREAD, choose_retry
from fostr.kernel.events.resuming import LONGEST_AWAY, MOST_MISSED
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_cast, create_token
from tests.support.client import Client, refusal
from tests.support.lights import LIT, light, light_many
from tests.support.listening import STREAM, listen
from tests.support.live import LiveServer
from tests.support.notifications import API, inbox, ring
from tests.support.records import create_record, create_recordset, grant
from tests.workspaces.sessions import signed_in

Settle: TypeAlias = Callable[[], Awaitable[None]]

FIELDS = [{"name": "Name", "type": "text"}, {"name": "Code", "type": "text"}]


async def test_what_happens_is_told_without_values(client: Client, cast: Cast, live: LiveServer) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=FIELDS)
    async with listen(live, cast.admin) as ear:
        record = await create_record(owner, recordset, {"name": "Heathrow", "code": "LHR"})
        heard = await ear.next()
    assert heard.event == "workspace_event"
    assert heard.data == {
        "event_type": "records_updated",
        "type": "record.created",
        "id": heard.id,
        "entity": "record",
        "entity_id": record["id"],
        "name": record["title"],
        "scope_id": recordset["id"],
        "record_id": record["id"],
        "actor_id": str(cast.owner.member_id),
        "count": None,
        "created_at": heard.data["created_at"],
    }
    assert ear.response.headers["content-type"].startswith("text/event-stream")
    assert ear.response.headers["cache-control"] == "no-cache, no-store"


async def test_a_change_of_a_member_is_told_by_the_name_that_clients_know(
    client: Client, cast: Cast, live: LiveServer
) -> None:
    async with listen(live, cast.owner) as ear:
        changed = await client.as_(cast.admin).patch(f"/api/v1/auth/{cast.member.user_id}", json={"role": "viewer"})
        assert changed.status_code == 200, changed.text
        heard = await ear.next()
    assert (heard.data["event_type"], heard.data["entity_id"]) == ("members_updated", str(cast.member.member_id))


def test_names_of_kinds_in_the_plural() -> None:
    assert [plural(one) for one in ("member", "activity", "notification_preferences")] == [
        "members",
        "activities",
        "notification_preferences",
    ]


async def test_nobody_is_told_more_than_they_may_know(client: Client, cast: Cast, live: LiveServer) -> None:
    owner = client.as_(cast.owner)
    hidden = await create_recordset(owner, name="Hidden", fields=FIELDS)
    shown = await create_recordset(owner, name="Shown", fields=FIELDS)
    await grant(owner, shown, cast.viewer, "can_view")
    async with (
        listen(live, cast.viewer) as viewer,
        listen(live, cast.admin) as admin,
        listen(live, cast.stranger) as far,
    ):
        secret = await create_record(owner, hidden, {"name": "Secret"})
        plain = await create_record(owner, shown, {"name": "Plain"})
        elsewhere = await create_recordset(client.as_(cast.stranger), fields=FIELDS)
        assert [(await admin.next()).data["record_id"] for _ in range(2)] == [secret["id"], plain["id"]]
        assert (await viewer.next()).data["record_id"] == plain["id"]
        assert (await far.next()).data["entity_id"] == elsewhere["id"]


async def test_a_bulk_write_is_told_once_with_its_count(client: Client, cast: Cast, live: LiveServer) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=FIELDS)
    async with listen(live, cast.owner) as ear:
        rows = [{"field_values": {"name": str(number)}} for number in range(3)]
        made = await owner.post("/api/v1/records/bulk-create", json={"recordset_id": recordset["id"], "records": rows})
        assert made.status_code in {200, 201}, made.text
        heard = await ear.next()
    assert (heard.data["event_type"], heard.data["count"]) == ("records_updated", 3)
    assert heard.data["scope_id"] == recordset["id"]


async def test_whoever_is_notified_is_told_in_each_window_and_nobody_else(
    client: Client, cast: Cast, live: LiveServer, runtime: Runtime, settle: Settle
) -> None:
    member = client.as_(cast.member)
    async with listen(live, cast.member) as one, listen(live, cast.member) as two, listen(live, cast.viewer) as other:
        await ring(runtime, cast.acme, [cast.member], by=cast.owner)
        await settle()
        first, second = await one.next("notification"), await two.next("notification")
        [told] = await inbox(member)
        assert first.data == told
        assert (second.id, second.data) == (first.id, told)

        read = await member.post(f"{API}/mark-read", json={"notification_id": told["id"]})
        assert read.json() == {"updated": 1}
        for ear in (one, two):
            heard = await ear.next()
            assert heard.event == "workspace_event"
            assert heard.data["event_type"] == "notifications_read"
            assert (heard.data["entity_id"], heard.data["count"]) == (told["id"], 1)
        await light(runtime, cast.acme)
        heard = [await other.next()]
        while heard[-1].data["type"] != LIT:
            heard.append(await other.next())
        assert {(one.event, one.data["type"]) for one in heard} <= {
            ("workspace_event", LIT),
            ("workspace_event", "bell.rung"),
        }


async def test_what_a_member_may_no_longer_know_is_not_told_when_they_come_back(
    client: Client, cast: Cast, live: LiveServer, runtime: Runtime, settle: Settle
) -> None:
    async with listen(live, cast.member) as ear:
        start = ear.last_id
    await ring(runtime, cast.acme, [cast.member], by=cast.owner, hidden_from=["viewer"])
    await settle()
    changed = await client.as_(cast.admin).patch(f"/api/v1/auth/{cast.member.user_id}", json={"role": "viewer"})
    assert changed.status_code == 200, changed.text
    async with listen(live, cast.member, after=start) as ear:
        heard = await ear.next("notification")
    assert heard.data["is_withheld"] is True
    assert (heard.data["body"], heard.data["link"], heard.data["entity_id"]) == ("", None, None)


async def test_a_stream_says_where_it_begins(cast: Cast, live: LiveServer, runtime: Runtime) -> None:
    await light(runtime, cast.acme)
    async with listen(live, cast.viewer, greeted=False) as ear:
        ready = await ear.next()
    assert ready.event == "ready"
    assert ready.data == {"workspace_id": str(cast.acme), "member_id": str(cast.viewer.member_id)}
    assert ear.retry == round(1000 * choose_retry(cast.viewer.user_id))
    missed = await light(runtime, cast.acme)
    async with listen(live, cast.viewer, after=ready.id) as ear:
        assert (await ear.next()).id == str(missed)
    async with listen(live, cast.viewer, after=str(missed), query={"after": ready.id}) as ear:
        new = await light(runtime, cast.acme)
        assert (await ear.next()).id == str(new)
    async with listen(live, cast.viewer, query={"after": ready.id}) as ear:
        assert await ear.next_ids(2) == [str(missed), str(new)]


def test_not_everybody_comes_back_at_once() -> None:
    waits = {choose_retry(new_id()) for _ in range(100)}
    assert len(waits) > 50
    assert all(RETRY_SECONDS <= one < RETRY_SECONDS + RETRY_SPREAD for one in waits)


async def test_whoever_was_there_before_anything_happened_misses_nothing(live: LiveServer, runtime: Runtime) -> None:
    cast = await create_cast(runtime)
    async with runtime.database.unit(cast.globex) as unit:
        await unit.run("delete from events e where e.workspace_id = :workspace")
    async with listen(live, cast.stranger) as ear:
        assert UUID(ear.last_id) == UUID(int=0)
        first = await light(runtime, cast.globex)
        assert (await ear.next()).id == str(first)
    async with listen(live, cast.stranger, after=str(UUID(int=0))) as ear:
        assert (await ear.next()).id == str(first)


@pytest.mark.parametrize("last", ["unknown", "malformed", "of another workspace"])
async def test_who_cannot_go_on_is_told_to_fetch(cast: Cast, live: LiveServer, runtime: Runtime, last: str) -> None:
    foreign = await light(runtime, cast.globex)
    given = {"unknown": str(new_id()), "malformed": "12", "of another workspace": str(foreign)}[last]
    end = await light(runtime, cast.acme)
    async with listen(live, cast.viewer, after=given) as ear:
        reset = await ear.next()
        assert (reset.event, reset.id, reset.data["code"]) == ("reset", str(end), "stream_too_old")
        new = await light(runtime, cast.acme)
        assert (await ear.next()).id == str(new)


async def test_who_was_away_for_too_long_is_told_to_fetch(cast: Cast, live: LiveServer, runtime: Runtime) -> None:
    first = await light(runtime, cast.acme)
    missed = await light(runtime, cast.acme)
    with clock.travel(to=clock.now() + LONGEST_AWAY + timedelta(minutes=1)):
        async with listen(live, cast.viewer, after=str(first)) as ear:
            assert (await ear.next()).event == "reset"
        # Nobody is away from what nothing followed.
        async with listen(live, cast.viewer, after=str(missed)) as ear:
            new = await light(runtime, cast.acme)
            assert (await ear.next()).id == str(new)


async def test_who_missed_too_much_is_told_to_fetch(cast: Cast, live: LiveServer, runtime: Runtime) -> None:
    start = await light(runtime, cast.acme)
    missed = await light_many(runtime, cast.acme, MOST_MISSED)
    async with listen(live, cast.viewer, after=str(start)) as ear:
        assert await ear.next_ids(MOST_MISSED) == [str(one) for one in missed]
    await light(runtime, cast.acme)
    async with listen(live, cast.viewer, after=str(start)) as ear:
        assert (await ear.next()).event == "reset"


async def test_only_what_is_asked_for(
    client: Client, cast: Cast, live: LiveServer, runtime: Runtime, settle: Settle
) -> None:
    owner = client.as_(cast.owner)
    one = await create_recordset(owner, name="One", fields=FIELDS)
    other = await create_recordset(owner, name="Other", fields=FIELDS)
    async with (
        listen(live, cast.owner, query={"recordset_id": one["id"]}) as inside,
        listen(live, cast.owner, query={"types": "recordset.*, record.created"}) as typed,
    ):
        await create_record(owner, other, {"name": "Elsewhere"})
        record = await create_record(owner, one, {"name": "Here"})
        changed = await owner.patch(f"/api/v1/records/{record['id']}", json={"field_values": {"name": "There"}})
        assert changed.status_code == 200, changed.text
        await ring(runtime, cast.acme, [cast.owner])
        await settle()
        assert [(await inside.next()).data["type"] for _ in range(2)] == ["record.created", "record.updated"]
        assert [(await typed.next()).data["type"] for _ in range(2)] == ["record.created", "record.created"]
        for listener in (inside, typed):
            assert (await listener.next()).event == "notification"


async def test_a_browser_needs_no_header(client: Client, cast: Cast, live: LiveServer, runtime: Runtime) -> None:
    cookie = {"Cookie": (await signed_in(client, runtime, cast.member)).headers["Cookie"]}
    for query in ({}, {"workspace_id": str(cast.acme)}):
        async with listen(live, headers=cookie, query=query) as ear:
            event_id = await light(runtime, cast.acme)
            assert (await ear.next()).id == str(event_id)


async def test_who_may_not_listen(client: Client, cast: Cast, runtime: Runtime) -> None:
    assert refusal(await client.get(STREAM)) == (401, "unauthorized")
    assert refusal(await client.as_(cast.stranger, workspace=cast.acme).get(STREAM)) == (404, "not_found")
    bare = client.with_token(cast.stranger.token)
    assert refusal(await bare.get(STREAM)) == (400, "workspace_required")
    assert refusal(await bare.get(STREAM, params={"workspace_id": str(cast.acme)})) == (404, "not_found")
    assert refusal(await bare.get(STREAM, params={"workspace_id": "acme"})) == (422, "validation_failed")
    unknown = await client.as_(cast.viewer).get(STREAM, params={"types": "record.created,nope.*"})
    assert refusal(unknown) == (422, "event_type_unknown")
    key = await create_token(runtime, cast.owner.user_id, workspace_id=cast.acme)
    elsewhere = client.with_token(key, workspace=cast.globex)
    assert refusal(await elsewhere.get(STREAM)) == (404, "not_found")


async def test_a_person_has_so_many_streams_and_no_more(
    client: Client, cast: Cast, live: LiveServer, runtime: Runtime
) -> None:
    async def refused() -> dict[str, Any]:
        async with listen(live, cast.member, greeted=False) as ear:
            assert ear.response.status_code == 429
            return ear.response.json()

    async with AsyncExitStack() as stack:
        ears = [await stack.enter_async_context(listen(live, cast.member)) for _ in range(MOST_OF_A_PERSON)]
        answer = await refused()
        assert (answer["code"], answer["limit"]) == ("too_many_streams", MOST_OF_A_PERSON)
        async with listen(live, cast.viewer):
            pass
        event_id = await light(runtime, cast.acme)
        assert {(await ear.next()).id for ear in ears} == {str(event_id)}
    # Those that are closed make room.
    async with listen(live, cast.member) as ear:
        event_id = await light(runtime, cast.acme)
        assert (await ear.next()).id == str(event_id)
