"""What members read of what they were told, and what they put away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

import pytest

from fostr.domains.notifications.inbox.service import list_for_members, withhold
from fostr.domains.notifications.inbox.tasks import READ_KEPT_FOR, UNREAD_KEPT_FOR
from fostr.domains.workspaces.public import add_member
from fostr.kernel import clock
from fostr.kernel.auth.principals import Scope
from fostr.kernel.events.visibility import see_events
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.behalf import act_as_member
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_token
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.notifications import API, BELL, BROKEN, inbox, ring, titles, unread
from tests.support.statements import watch_statements

Settle: TypeAlias = Callable[[], Awaitable[None]]
RunJobs: TypeAlias = Callable[[], Awaitable[None]]


@pytest.fixture
async def told(cast: Cast, runtime: Runtime, settle: Settle) -> None:
    """The member and the viewer were told of three bells, one after the other: A, B and again A."""
    for name in ("A", "B", "A"):
        await ring(runtime, cast.acme, [cast.member, cast.viewer], name=name, by=cast.owner)
        await settle()


async def mark(client: Client, what: str = "read", **body: Any) -> int:
    response = await client.post(f"{API}/mark-{what}", json=body)
    assert response.status_code == 200, response.text
    return response.json()["updated"]


@pytest.mark.usefixtures("told")
async def test_the_newest_come_first_in_parts(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    assert await titles(member) == ["A rings", "B rings", "A rings"]
    page = (await member.get(f"{API}/list", params={"limit": 2, "offset": 1})).json()
    assert [one["title"] for one in page["items"]] == ["B rings", "A rings"]
    assert (page["total"], page["has_more"], page["unread_count"]) == (3, False, 3)
    assert (await member.get(f"{API}/list", params={"limit": 2})).json()["has_more"] is True


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 201}, {"offset": -1}, {"category": "x"}, {"group": "day"}])
async def test_bad_parameters_are_refused(client: Client, cast: Cast, params: dict[str, Any]) -> None:
    response = await client.as_(cast.member).get(f"{API}/list", params=params)
    assert refusal(response) == (422, "validation_failed")


@pytest.mark.usefixtures("told")
async def test_one_is_read_and_unread_again(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    newest, *_ = await inbox(member)
    assert await mark(member, notification_id=newest["id"]) == 1
    assert await mark(member, notification_id=newest["id"]) == 0, "it was read already"
    assert await titles(member, unread_only=True) == ["B rings", "A rings"]
    [read] = [one for one in await inbox(member) if one["is_read"]]
    assert (read["id"], read["read_at"] is not None) == (newest["id"], True)
    assert await unread(member) == 2
    assert await unread(client.as_(cast.viewer)) == 3

    assert await mark(member, "unread", notification_id=newest["id"]) == 1
    assert await mark(member, "unread", notification_id=newest["id"]) == 0
    assert await unread(member) == 3


@pytest.mark.usefixtures("told")
async def test_without_a_body_all_are_read(client: Client, cast: Cast) -> None:
    response = await client.as_(cast.member).post(f"{API}/mark-read")
    assert (response.status_code, response.json()) == (200, {"updated": 3})
    assert await unread(client.as_(cast.member)) == 0
    assert await unread(client.as_(cast.viewer)) == 3


@pytest.mark.usefixtures("told")
async def test_all_are_read(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    assert await mark(member) == 3
    assert await mark(member) == 0
    page = (await member.get(f"{API}/list", params={"unread_only": True})).json()
    assert (page["items"], page["total"], page["unread_count"]) == ([], 0, 0)
    assert await unread(client.as_(cast.viewer)) == 3


async def test_what_came_after_the_caller_looked_stays_unread(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle, told: None
) -> None:
    member = client.as_(cast.member)
    newest, *_ = await inbox(member)
    await ring(runtime, cast.acme, [cast.member], name="Late")
    await settle()
    assert await mark(member, before=newest["created_at"]) == 3
    assert await titles(member, unread_only=True) == ["Late rings"]


@pytest.mark.usefixtures("told")
async def test_a_thread_is_read(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    oldest = (await inbox(member))[-1]
    assert await mark(member, thread="bell:A", before=oldest["created_at"]) == 1
    assert await mark(member, thread="bell:A") == 1
    assert await titles(member, unread_only=True) == ["B rings"]
    assert await mark(member, thread="bell:none") == 0


@pytest.mark.usefixtures("told")
async def test_the_newest_of_each_thread_stands_for_it(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    newest, second, oldest = await inbox(member)
    await mark(member, notification_id=oldest["id"])
    page = (await member.get(f"{API}/list", params={"group": "thread"})).json()
    assert [one["id"] for one in page["items"]] == [newest["id"], second["id"]]
    assert [one["in_thread"] for one in page["items"]] == [{"total": 2, "unread": 1}, {"total": 1, "unread": 1}]
    assert (page["total"], page["has_more"]) == (2, False)
    rest = (await member.get(f"{API}/list", params={"group": "thread", "limit": 1})).json()
    assert (len(rest["items"]), rest["total"], rest["has_more"]) == (1, 2, True)
    assert newest["in_thread"] is None
    one_thread = await inbox(member, thread="bell:A")
    assert [one["id"] for one in one_thread] == [newest["id"], oldest["id"]]


async def test_types_and_categories_are_asked_for(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle, told: None
) -> None:
    member = client.as_(cast.member)
    await ring(runtime, cast.acme, [cast.member], type=BROKEN, name="C")
    await settle()
    assert await titles(member, type=BROKEN) == ["C rings"]
    assert len(await titles(member, category="data")) == 4
    assert await titles(member, category="security") == []
    assert await titles(member, category="security", type=BELL) == []
    assert await titles(member, type="no_such_type") == []
    assert (await member.get(f"{API}/list", params={"type": BROKEN})).json()["total"] == 1


@pytest.mark.usefixtures("told")
async def test_one_is_deleted(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    newest, *_ = await inbox(member)
    own = f"{API}/{newest['id']}"
    assert (await member.delete(own)).status_code == 204
    assert refusal(await member.delete(own)) == (404, "notification_not_found")
    assert await titles(member) == ["B rings", "A rings"]
    assert await unread(member) == 2
    assert refusal(await member.post(f"{API}/mark-read", json={"notification_id": newest["id"]}))[0] == 404
    assert len(await inbox(client.as_(cast.viewer))) == 3


@pytest.mark.usefixtures("told")
async def test_nobody_touches_what_others_were_told(client: Client, cast: Cast) -> None:
    theirs, *_ = await inbox(client.as_(cast.member))
    for person in (cast.viewer, cast.owner, cast.stranger):
        caller, body = client.as_(person), {"notification_id": theirs["id"]}
        for response in (
            await caller.post(f"{API}/mark-read", json=body),
            await caller.post(f"{API}/mark-unread", json=body),
            await caller.delete(f"{API}/{theirs['id']}"),
        ):
            assert refusal(response) == (404, "notification_not_found")
    assert await unread(client.as_(cast.member)) == 3


@pytest.mark.parametrize(("method", "path"), [("GET", "/list"), ("GET", "/unread-count"), ("POST", "/mark-read")])
async def test_strangers_are_refused(client: Client, cast: Cast, method: str, path: str) -> None:
    options: dict[str, Any] = {"json": {}} if method == "POST" else {}
    elsewhere = client.as_(cast.stranger, workspace=cast.acme)
    assert refusal(await elsewhere.request(method, API + path, **options)) == (404, "not_found")
    assert refusal(await client.anonymous().request(method, API + path, **options)) == (401, "unauthorized")


@pytest.mark.usefixtures("told")
async def test_a_small_scope_reads_and_does_not_mark(client: Client, cast: Cast, runtime: Runtime) -> None:
    token = await create_token(runtime, cast.member.user_id, scope="read")
    reader = client.with_token(token, workspace=cast.acme)
    assert await unread(reader) == 3
    newest, *_ = await inbox(reader)
    for response in (
        await reader.post(f"{API}/mark-read", json={}),
        await reader.post(f"{API}/mark-unread", json={"notification_id": newest["id"]}),
        await reader.delete(f"{API}/{newest['id']}"),
    ):
        assert refusal(response) == (403, "pat_scope_insufficient")
    assert await unread(reader) == 3


@pytest.mark.parametrize(
    "body",
    [
        {"notification_id": "x"},
        {"before": "yesterday"},
        {"before": "2026-01-01T00:00:00"},
        {"before": "9999-12-31T23:59:59-14:00"},
        {"before": "0001-01-01T00:00:00+14:00"},
        {"thread": ""},
        {"notification_id": str(new_id()), "thread": "bell:A"},
        {"all": True},
        [],
    ],
)
async def test_bad_bodies_are_refused(client: Client, cast: Cast, body: Any) -> None:
    response = await client.as_(cast.member).post(f"{API}/mark-read", json=body)
    assert refusal(response) == (422, "validation_failed")
    unmarked = await client.as_(cast.member).post(f"{API}/mark-unread", json={})
    assert refusal(unmarked) == (422, "validation_failed")


@pytest.mark.usefixtures("told")
async def test_what_is_read_and_deleted_is_told_to_its_member_alone(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    member = client.as_(cast.member)
    newest, *_ = await inbox(member)
    one = UUID(newest["id"])
    await mark(member, notification_id=newest["id"])
    await mark(member, notification_id=newest["id"])
    await mark(member, "unread", notification_id=newest["id"])
    await member.delete(f"{API}/{newest['id']}")
    await mark(member)
    happened = [type for type in await event_types(runtime, cast.acme, entity_id=one) if not type.endswith("created")]
    assert happened == ["notification.read", "notification.unread", "notification.deleted"]
    assert (await event_types(runtime, cast.acme, entity_id=cast.member.member_id))[-1] == "notification.read"

    for person, created, changed in ((cast.member, 3, 4), (cast.viewer, 3, 0), (cast.owner, 0, 0)):
        seen = await see_own(runtime, person.workspace_id, person.member_id)
        told = [one for after in seen if after.get("type") == BELL for one in after["member_ids"]]
        assert told == [str(person.member_id)] * created, "who else was told is nobody's business"
        assert [after["member_id"] for after in seen if "member_id" in after] == [str(person.member_id)] * changed


async def see_own(runtime: Runtime, workspace: UUID, member_id: UUID) -> list[dict[str, Any]]:
    """Return what a member may know of the events about notifications."""
    from fostr.kernel.events.log import BEGINNING, find_settled, read_log

    async with runtime.database.unit(workspace) as unit:
        context = await act_as_member(runtime, unit, member_id=member_id, cause_id=new_id(), scope=Scope.ADMIN)
        log = await read_log(unit, after=BEGINNING, settled=await find_settled(unit), limit=1000)
        events = [event for event in log.events if event.entity == "notification"]
        return [one.event.after or {} for one in await see_events(context, events) if one is not None]


async def test_what_the_reader_may_no_longer_know_of_is_listed_without_words(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    for name in ("Secret", "Secret"):
        await ring(runtime, cast.acme, [cast.member], name=name, hidden_from=["viewer"], by=cast.owner)
    await ring(runtime, cast.acme, [cast.member], name="Open", by=cast.owner)
    await settle()
    member = client.as_(cast.member)
    assert sorted(await titles(member)) == ["Open rings", "Secret rings", "Secret rings"]

    changed = await client.as_(cast.owner).patch(f"/api/v1/members/{cast.member.member_id}", json={"role": "viewer"})
    assert changed.status_code == 200, changed.text
    page = (await member.get(f"{API}/list", params={"type": BELL})).json()
    assert (page["total"], page["unread_count"]) == (3, 3), "what is withheld counts as before"
    hidden = [one for one in page["items"] if one["is_withheld"]]
    assert len(hidden) == 2
    for one in hidden:
        assert (one["title"], one["body"]) == ("You may no longer see what this was about", "")
        assert {one[key] for key in ("link", "actor", "entity_id", "scope_id", "record_id")} == {None}
    [shown] = [one for one in page["items"] if not one["is_withheld"]]
    assert shown["title"] == "Open rings"
    assert await mark(member, notification_id=hidden[0]["id"]) == 1

    async with runtime.database.unit(cast.acme) as unit:
        event_id, member_id = UUID(hidden[0]["event_id"]), cast.member.member_id
        found = await list_for_members(unit, event_id=event_id, type=BELL, member_ids=[member_id])
        context = await act_as_member(runtime, unit, member_id=member_id, cause_id=new_id(), scope=Scope.ADMIN)
        [withheld] = await withhold(context, [*found.values()])
    assert (found[member_id].title, withheld.is_withheld) == ("Secret rings", True)


async def test_what_was_pruned_from_the_outbox_is_shown_as_it_was_told(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    event_id = await ring(runtime, cast.acme, [cast.member])
    await settle()
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run("delete from events e where e.workspace_id = :workspace and e.id = :id", id=event_id)
    [one] = await inbox(client.as_(cast.member))
    assert (one["title"], one["is_withheld"]) == ("Big Ben rings", False)


async def test_streams_are_given_what_stands_in_the_inbox(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    await client.as_(cast.viewer).put(f"{API}/preferences/v2/{BELL}", json={"inapp_enabled": False})
    event_id = await ring(runtime, cast.acme, [cast.member, cast.viewer, cast.admin])
    await settle()
    [deleted] = await inbox(client.as_(cast.admin), type=BELL)
    await client.as_(cast.admin).delete(f"{API}/{deleted['id']}")
    people = [cast.member.member_id, cast.viewer.member_id, cast.admin.member_id]
    async with runtime.database.unit(cast.acme) as unit:
        found = await list_for_members(unit, event_id=event_id, type=BELL, member_ids=people)
    assert [*found] == [cast.member.member_id]
    [listed] = await inbox(client.as_(cast.member))
    assert found[cast.member.member_id].model_dump(mode="json") == listed


async def test_a_longer_list_costs_no_more_statements(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    async def count_for(**params: Any) -> int:
        with watch_statements() as seen:
            await inbox(client.as_(cast.member), **params)
        return len(seen)

    await ring(runtime, cast.acme, [cast.member])
    await settle()
    few = [await count_for(), await count_for(group="thread")]
    for number in range(8):
        await ring(runtime, cast.acme, [cast.member], name=f"No. {number}")
    await settle()
    assert [await count_for(), await count_for(group="thread")] == few


async def test_each_workspace_has_its_inbox(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle, told: None
) -> None:
    async with runtime.database.unit(cast.globex) as unit:
        there = await add_member(unit, workspace_id=cast.globex, user_id=cast.member.user_id, role="member")
    await ring(runtime, cast.globex, [there.id], name="Globex")
    await settle()
    in_globex = client.as_(cast.member, workspace=cast.globex)
    [one] = await inbox(in_globex)
    assert one["title"] == "Globex rings"
    assert await mark(in_globex) == 1
    assert await unread(client.as_(cast.member)) == 3
    assert refusal(await client.as_(cast.member).delete(f"{API}/{one['id']}")) == (404, "notification_not_found")


async def test_who_is_removed_leaves_nothing_behind(client: Client, cast: Cast, runtime: Runtime, told: None) -> None:
    owner = client.as_(cast.owner)
    viewer = client.as_(cast.viewer)
    for path, body in (
        (f"preferences/v2/{BELL}", {"muted": True}),
        ("email-delivery", {"email_delivery_mode": "digest"}),
        ("quiet-hours", {"is_enabled": True, "start": "22:00", "end": "07:00", "time_zone": "Europe/Berlin"}),
    ):
        chosen = await viewer.put(f"{API}/{path}", json=body)
        assert chosen.status_code == 200, chosen.text
    listed = (await owner.get(f"/api/v1/members/{cast.viewer.member_id}/items", params={"kind": "notification"})).json()
    [group] = listed["groups"]
    assert (group["total"], group["can_reassign"]) == (3, False)
    assert {item["name"] for item in group["items"]} == {"bell rung"}, "what it says is not for administrators"

    assert (await owner.delete(f"/api/v1/members/{cast.viewer.member_id}")).status_code == 204
    async with runtime.database.unit(cast.acme) as unit:
        left = await unit.rows(
            """
            select n.member_id from notifications n where n.workspace_id = :workspace
            union
            select p.member_id from notification_preferences p where p.workspace_id = :workspace
            union
            select d.member_id from notification_email_delivery d where d.workspace_id = :workspace
            union
            select q.member_id from notification_quiet_hours q where q.workspace_id = :workspace
            union
            select s.member_id from notification_deliveries s where s.workspace_id = :workspace
            """
        )
    kept = {row["member_id"] for row in left}
    assert cast.member.member_id in kept
    assert cast.viewer.member_id not in kept


async def prune_at(runtime: Runtime, run_jobs: RunJobs, moment: datetime) -> None:
    with clock.travel(to=moment):
        async with runtime.database.unit() as unit:
            await dispatch(unit, "notifications.prune", {}, workspace=None)
        await run_jobs()


async def test_what_is_old_is_forgotten(
    client: Client, cast: Cast, runtime: Runtime, run_jobs: RunJobs, told: None
) -> None:
    member, day = client.as_(cast.member), timedelta(days=1)
    newest, second, _ = await inbox(member)
    await mark(member, notification_id=newest["id"])
    await member.delete(f"{API}/{second['id']}")
    start = clock.now()

    async def kept() -> int:
        async with runtime.database.unit(cast.acme) as unit:
            return await unit.value(
                "select count(*) from notifications n where n.workspace_id = :workspace and n.member_id = :member_id",
                member_id=cast.member.member_id,
            )

    await prune_at(runtime, run_jobs, start + READ_KEPT_FOR - day)
    assert await kept() == 3
    await prune_at(runtime, run_jobs, start + READ_KEPT_FOR + day)
    assert await kept() == 1
    await prune_at(runtime, run_jobs, start + UNREAD_KEPT_FOR - day)
    assert await titles(member) == ["A rings"]
    await prune_at(runtime, run_jobs, start + UNREAD_KEPT_FOR + day)
    assert await kept() == 0
