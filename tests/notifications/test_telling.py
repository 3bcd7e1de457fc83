"""From events to notifications: who is told, of what, and how often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID

import pytest

from fostr.domains.notifications.public import NotificationType, list_mailed, register_notifications
from fostr.domains.notifications.registry import list_notification_types
from fostr.domains.notifications.telling.service import consider, list_event_types, tell
from fostr.domains.workspaces.public import add_member
from fostr.kernel.discovery import import_modules
from fostr.kernel.events.catalogue import get_event_type
from fostr.kernel.events.log import find_event
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person, create_user
from tests.support.client import Client
from tests.support.events import event_types
from tests.support.notifications import API, BELL, BROKEN, QUIET_BELL, REPAIRED, inbox, ring, titles, unread
from tests.support.statements import watch_statements

Settle: TypeAlias = Callable[[], Awaitable[None]]


async def rows(runtime: Runtime, workspace: UUID, event_id: UUID) -> list[dict[str, Any]]:
    """Return what is kept of what members were told of an event."""
    async with runtime.database.unit(workspace) as unit:
        found = await unit.rows(
            """
            select n.id, n.member_id, n.type, n.in_app, n.thread from notifications n
            where n.workspace_id = :workspace and n.event_id = :event_id order by n.id
            """,
            event_id=event_id,
        )
    return [dict(row) for row in found]


async def told_members(runtime: Runtime, workspace: UUID, event_id: UUID) -> set[UUID]:
    return {row["member_id"] for row in await rows(runtime, workspace, event_id)}


async def prefer(client: Client, type: str, **switches: bool) -> None:
    response = await client.put(f"{API}/preferences/v2/{type}", json=switches)
    assert response.status_code == 200, response.text


def test_every_type_comes_from_events_that_there_are() -> None:
    import_modules("events")
    for name in list_event_types():
        get_event_type(name)
    names = [kind.name for kind in list_notification_types()]
    assert len(names) == len(set(names))


def test_a_name_is_taken_once() -> None:
    kind = list_notification_types()[0]
    with pytest.raises(ValueError, match="twice"):
        register_notifications(
            NotificationType(kind.name, "data", "Other", "Other.", frozenset(), kind.recipients, kind.compose)
        )


async def test_who_is_concerned_is_told_and_nobody_else(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    event_id = await ring(runtime, cast.acme, [cast.member, cast.viewer], by=cast.owner)
    await settle()

    [one] = await inbox(client.as_(cast.member))
    assert (one["title"], one["body"], one["thread"]) == ("Big Ben rings", "Ding.", "bell:Big Ben")
    assert (one["type"], one["category"], one["event_id"], one["event_type"]) == (
        BELL,
        "data",
        str(event_id),
        "bell.rung",
    )
    assert one["actor"]["id"] == str(cast.owner.member_id)
    assert (one["is_read"], one["is_withheld"], one["is_critical"]) == (False, False, False)
    assert await unread(client.as_(cast.viewer)) == 1
    for person in (cast.owner, cast.admin, cast.stranger):
        assert await inbox(client.as_(person), category="data") == []


async def test_who_did_it_is_not_told_unless_the_type_says_so(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    await ring(runtime, cast.acme, [cast.owner, cast.member], by=cast.owner)
    await ring(runtime, cast.acme, [cast.owner], by=cast.owner, type=REPAIRED, name="Mended")
    await settle()
    assert await titles(client.as_(cast.owner), category="data") == ["Mended rings"]
    assert await titles(client.as_(cast.member)) == ["Big Ben rings"]


async def test_in_whose_name_it_was_done_is_told_and_the_impersonator_is_not(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    people = [cast.member, cast.admin]
    await ring(runtime, cast.acme, people, by=cast.member, acting_as=cast.admin.user_id)
    await settle()
    assert await titles(client.as_(cast.member)) == ["Big Ben rings"]
    assert await titles(client.as_(cast.admin), category="data") == []


async def test_who_may_not_see_the_event_is_not_told(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    people = [cast.owner, cast.admin, cast.member, cast.viewer]
    event_id = await ring(runtime, cast.acme, people, hidden_from=["member", "viewer"])
    await settle()
    assert await told_members(runtime, cast.acme, event_id) == {cast.owner.member_id, cast.admin.member_id}
    assert await unread(client.as_(cast.member)) == 0


async def test_who_left_or_was_deactivated_is_not_told(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    owner = client.as_(cast.owner)
    assert (await owner.delete(f"/api/v1/members/{cast.viewer.member_id}")).status_code == 204
    kept_out = await owner.patch(f"/api/v1/members/{cast.member.member_id}", json={"is_active": False})
    assert kept_out.status_code == 200, kept_out.text
    # An id of nobody's, and of somebody in another workspace, are no members here either.
    people = [cast.viewer, cast.member, cast.admin, cast.stranger, new_id()]
    event_id = await ring(runtime, cast.acme, people)
    await settle()
    assert await told_members(runtime, cast.acme, event_id) == {cast.admin.member_id}


async def test_who_leaves_before_they_are_told_is_not_told(client: Client, cast: Cast, runtime: Runtime) -> None:
    event_id = await ring(runtime, cast.acme, [cast.viewer])
    assert (await client.as_(cast.owner).delete(f"/api/v1/members/{cast.viewer.member_id}")).status_code == 204
    async with runtime.database.unit(cast.acme) as unit:
        told = await tell(
            runtime, unit, event_id=event_id, recipients={BELL: [cast.viewer.member_id]}, cause_id=new_id()
        )
    assert told == 0


async def test_a_notice_that_says_nothing_is_not_kept(cast: Cast, runtime: Runtime, settle: Settle) -> None:
    event_id = await ring(runtime, cast.acme, [cast.member], name="mute")
    await settle()
    assert await rows(runtime, cast.acme, event_id) == []


async def test_an_event_that_is_handed_over_again_tells_nobody_twice(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    event_id = await ring(runtime, cast.acme, [cast.member, cast.viewer])
    await settle()
    before = await rows(runtime, cast.acme, event_id)
    [kept] = await inbox(client.as_(cast.member))
    assert (await client.as_(cast.member).delete(f"{API}/{kept['id']}")).status_code == 204
    await settle()
    async with runtime.database.unit(cast.acme) as unit:
        event = await find_event(unit, event_id)
        assert event is not None
        await consider(unit, event)
    await settle()
    assert await rows(runtime, cast.acme, event_id) == before
    assert await inbox(client.as_(cast.member)) == [], "what was deleted came back"
    assert await event_types(runtime, cast.acme, entity_id=before[0]["id"]) == [
        "notification.created",
        *(["notification.deleted"] if str(before[0]["id"]) == kept["id"] else []),
    ]


async def test_a_job_that_dies_half_way_leaves_nothing_and_is_done_anew(
    cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    event_id = await ring(runtime, cast.acme, [cast.member])
    recipients = {BELL: [cast.member.member_id]}
    with pytest.raises(ConnectionError):
        async with runtime.database.unit(cast.acme) as unit:
            assert await tell(runtime, unit, event_id=event_id, recipients=recipients, cause_id=new_id()) == 1
            raise ConnectionError
    assert await rows(runtime, cast.acme, event_id) == []
    await settle()
    assert await told_members(runtime, cast.acme, event_id) == {cast.member.member_id}


async def test_one_event_tells_who_was_told_and_nothing_of_the_words(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    await prefer(client.as_(cast.viewer), BELL, inapp_enabled=False)
    source = await ring(runtime, cast.acme, [cast.member, cast.admin, cast.viewer])
    await settle()
    async with runtime.database.unit(cast.acme) as unit:
        [event] = await unit.rows(
            """
            select e.entity_id, e.after, e.actor from events e
            where e.workspace_id = :workspace and e.type = 'notification.created' and e.after ->> 'type' = :type
            """,
            type=BELL,
        )
    first, *_ = await rows(runtime, cast.acme, source)
    assert event["entity_id"] == first["id"]
    told = sorted(str(person.member_id) for person in (cast.member, cast.admin))
    facts = {**event["after"], "member_ids": sorted(event["after"]["member_ids"])}
    assert facts == {"source_event_id": str(source), "type": BELL, "member_ids": told}


async def test_muted_is_not_told_and_critical_passes(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    member = client.as_(cast.member)
    for type in (BELL, BROKEN):
        await prefer(member, type, muted=True, inapp_enabled=False)
    quiet = await ring(runtime, cast.acme, [cast.member])
    await ring(runtime, cast.acme, [cast.member], type=BROKEN, name="Cracked")
    await settle()
    assert await rows(runtime, cast.acme, quiet) == []
    [one] = await inbox(member)
    assert (one["title"], one["is_critical"]) == ("Cracked rings", True)


async def test_what_is_told_by_mail_alone_is_kept_and_not_listed(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    await prefer(client.as_(cast.member), BELL, inapp_enabled=False)
    await prefer(client.as_(cast.viewer), BELL, inapp_enabled=False, email_enabled=False)
    event_id = await ring(runtime, cast.acme, [cast.member, cast.viewer])
    await settle()
    [kept] = await rows(runtime, cast.acme, event_id)
    assert (kept["member_id"], kept["in_app"]) == (cast.member.member_id, False)
    assert await inbox(client.as_(cast.member)) == []
    assert await unread(client.as_(cast.member)) == 0


async def test_what_is_off_by_default_comes_to_those_who_switch_it_on(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    await prefer(client.as_(cast.member), QUIET_BELL, inapp_enabled=True)
    event_id = await ring(runtime, cast.acme, [cast.member, cast.viewer], type=QUIET_BELL)
    await settle()
    assert await told_members(runtime, cast.acme, event_id) == {cast.member.member_id}


async def test_a_domain_asks_whom_it_may_write_to(client: Client, cast: Cast, runtime: Runtime) -> None:
    await prefer(client.as_(cast.member), BELL, email_enabled=False)
    await prefer(client.as_(cast.viewer), BELL, muted=True)
    people = [cast.owner.member_id, cast.member.member_id, cast.viewer.member_id]
    async with runtime.database.unit(cast.acme) as unit:
        assert await list_mailed(unit, type=BELL, member_ids=people) == [cast.owner.member_id]
        assert await list_mailed(unit, type=QUIET_BELL, member_ids=people) == []


async def test_a_person_in_two_workspaces_is_told_in_each_what_happens_there(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    async with runtime.database.unit(cast.globex) as unit:
        there = await add_member(unit, workspace_id=cast.globex, user_id=cast.member.user_id, role="member")
    await prefer(client.as_(cast.member, workspace=cast.globex), BELL, muted=True)
    await ring(runtime, cast.acme, [cast.member], name="Acme")
    await ring(runtime, cast.globex, [there.id], name="Globex")
    await ring(runtime, cast.globex, [there.id], name="Globex", type=BROKEN)
    await settle()
    assert await titles(client.as_(cast.member)) == ["Acme rings"]
    assert await titles(client.as_(cast.member, workspace=cast.globex)) == ["Globex rings"]
    settings = (await client.as_(cast.member).get(f"{API}/preferences/v2")).json()
    assert settings[BELL]["muted"] is False


async def create_crowd(runtime: Runtime, cast: Cast, size: int) -> list[UUID]:
    members: list[UUID] = []
    for number in range(size):
        user_id, _ = await create_user(runtime, f"singer{number}")
        async with runtime.database.unit(cast.acme) as unit:
            added = await add_member(unit, workspace_id=cast.acme, user_id=user_id, role="viewer")
        members.append(added.id)
    return members


async def count_statements(runtime: Runtime, cast: Cast, people: list[Person | UUID]) -> int:
    event_id = await ring(runtime, cast.acme, people)
    members = [one if isinstance(one, UUID) else one.member_id for one in people]
    with watch_statements() as seen:
        async with runtime.database.unit(cast.acme) as unit:
            told = await tell(runtime, unit, event_id=event_id, recipients={BELL: members}, cause_id=new_id())
    assert told == len(members)
    return len(seen)


async def test_many_cost_no_more_statements_than_two(cast: Cast, runtime: Runtime) -> None:
    crowd = await create_crowd(runtime, cast, 12)
    # What is open to whom is remembered for as long as nobody's rights change.
    await count_statements(runtime, cast, [*crowd[:2]])
    assert await count_statements(runtime, cast, [*crowd[:2]]) == await count_statements(runtime, cast, [*crowd])
