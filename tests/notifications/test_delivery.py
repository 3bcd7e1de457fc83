"""Mail about notifications, one by one: when it leaves, what it says, and that each is sent once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fostr.domains.notifications.deliveries.planning import Planned, plan_deliveries
from fostr.domains.notifications.deliveries.sending import deliver_to_member
from fostr.kernel import clock
from fostr.kernel.ids import new_id
from tests.notifications.delivering import (
    NOON,
    at,
    deliveries,
    letters_to,
    pass_time,
    plan_one,
    planned,
    run_due,
    stored,
    subjects_to,
    waiting_jobs,
)
from tests.support.client import Client, refusal
from tests.support.notifications import API, BROKEN, QUIET_BELL, inbox, ring
from tests.support.statements import watch_statements

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast


async def test_a_notification_is_mailed_at_once_to_whom_it_is_for(client: Client, cast: Cast, runtime: Runtime) -> None:
    with at(NOON):
        await ring(runtime, cast.acme, [cast.member, cast.viewer], by=cast.owner)
        await run_due(runtime)
        [letter] = await letters_to(runtime, cast.member)
        assert await subjects_to(runtime, cast.viewer) == ["Big Ben rings"]
        assert await subjects_to(runtime, cast.owner) == []
        [sent] = await deliveries(client.as_(cast.member), title="Big Ben rings")
    assert letter.subject == "Big Ben rings"
    home = f"{runtime.settings.public_url}/w/"
    assert home in letter.text
    assert f'href="{home}' in letter.html
    for words in (letter.text, letter.html):
        assert "Ding." in words
        assert "2031-03-12 12:07 UTC" in words
        assert "as a member of Acme" in words
        assert "bell rung" in words
        assert f"{runtime.settings.public_url}/unsubscribe?token={letter.token}" in words
    # There is no mail server in these tests, and nothing pretends that there is.
    assert (sent["channel"], sent["status"], sent["reason"]) == ("email", "pending", "mail_not_configured")
    assert sent["in_digest"] is False


async def test_what_people_write_stays_text(cast: Cast, runtime: Runtime) -> None:
    name = '<a href="https://evil.test">Bell</a> & {{ title }}\r\nBcc: all@example.test'
    await ring(runtime, cast.acme, [cast.member], name=name)
    await run_due(runtime)
    [letter] = await letters_to(runtime, cast.member)
    assert letter.subject == '<a href="https://evil.test">Bell</a> & {{ title }} Bcc: all@example.test rings'
    assert 'href="https://evil.test"' not in letter.html
    assert "&lt;a href=" in letter.html
    assert "{{ title }}" in letter.html


async def test_who_wants_no_mail_gets_none(client: Client, cast: Cast, runtime: Runtime) -> None:
    off = await client.as_(cast.member).put(f"{API}/preferences/v2/bell_rung", json={"email_enabled": False})
    assert off.status_code == 200
    await ring(runtime, cast.acme, [cast.member, cast.viewer])
    await ring(runtime, cast.acme, [cast.member, cast.viewer], type=QUIET_BELL)
    await run_due(runtime)
    assert await subjects_to(runtime, cast.member) == []
    assert await subjects_to(runtime, cast.viewer) == ["Big Ben rings"]
    assert await deliveries(client.as_(cast.member), title="Big Ben rings") == []


async def test_a_thread_is_mailed_once_and_what_follows_is_gathered_for_some_minutes(
    cast: Cast, runtime: Runtime
) -> None:
    with at(NOON):
        await ring(runtime, cast.acme, [cast.member])
        await run_due(runtime)
        for _ in range(3):
            await pass_time(runtime, timedelta(seconds=40))
            await ring(runtime, cast.acme, [cast.member])
            await run_due(runtime)
        # Another thread does not wait for this one.
        await ring(runtime, cast.acme, [cast.member], name="Emmanuel")
        await run_due(runtime)
        assert await subjects_to(runtime, cast.member) == ["Big Ben rings", "Emmanuel rings"]
        assert await waiting_jobs(runtime, cast.acme) == [NOON + timedelta(minutes=5)]

        await pass_time(runtime, timedelta(minutes=3))
        assert (await subjects_to(runtime, cast.member))[2:] == ["Big Ben rings (and 2 more)"]
        # The gathered mail begins a pause, too, and after that it is at once again.
        await ring(runtime, cast.acme, [cast.member])
        await run_due(runtime)
        assert len(await letters_to(runtime, cast.member)) == 3
        await pass_time(runtime, timedelta(minutes=5))
        assert len(await letters_to(runtime, cast.member)) == 4
        await pass_time(runtime, timedelta(minutes=6))
        await ring(runtime, cast.acme, [cast.member])
        await run_due(runtime)
        assert len(await letters_to(runtime, cast.member)) == 5


async def test_what_is_critical_comes_at_once_by_itself_and_cannot_be_ended(cast: Cast, runtime: Runtime) -> None:
    with at(NOON):
        for _ in range(3):
            await ring(runtime, cast.acme, [cast.member], type=BROKEN)
            await run_due(runtime)
        letters = await letters_to(runtime, cast.member)
    assert [letter.subject for letter in letters] == ["Big Ben rings"] * 3
    assert {letter.unsubscribe_url for letter in letters} == {None}
    assert "It is critical" in letters[0].text
    assert "unsubscribe" not in letters[0].html


async def test_who_may_not_know_any_more_is_not_mailed(client: Client, cast: Cast, runtime: Runtime) -> None:
    with at(NOON):
        await ring(runtime, cast.acme, [cast.member], hidden_from=["viewer"])
        await run_due(runtime)
        await ring(runtime, cast.acme, [cast.member], hidden_from=["viewer"])
        await run_due(runtime)
        change = {"role": "viewer"}
        lowered = await client.as_(cast.owner).patch(f"/api/v1/members/{cast.member.member_id}", json=change)
        assert lowered.status_code == 200, lowered.text
        await pass_time(runtime, timedelta(minutes=5))
        assert len(await letters_to(runtime, cast.member)) == 1
        states = await stored(runtime, cast.acme, "status", "reason")
    assert states == [{"status": "sent", "reason": None}, {"status": "skipped", "reason": "not_visible"}]


async def test_what_was_read_ended_or_left_behind_meanwhile_is_not_mailed(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    people = [cast.owner, cast.admin, cast.member, cast.viewer]
    with at(NOON):
        for _ in range(2):
            await ring(runtime, cast.acme, people)
            await run_due(runtime)
        assert (await client.as_(cast.owner).post(f"{API}/mark-read", json={})).status_code == 200
        newest = (await inbox(client.as_(cast.admin)))[0]
        assert (await client.as_(cast.admin).delete(f"{API}/{newest['id']}")).status_code == 204
        muted = await client.as_(cast.member).put(f"{API}/preferences/v2/bell_rung", json={"muted": True})
        assert muted.status_code == 200
        viewer = f"/api/v1/members/{cast.viewer.member_id}"
        gone = await client.as_(cast.owner).patch(viewer, json={"is_active": False})
        assert gone.status_code == 200, gone.text
        await pass_time(runtime, timedelta(minutes=5))
        for person in people:
            assert len(await letters_to(runtime, person)) == 1
        rows = await stored(runtime, cast.acme, "member_id", "status", "reason")
    reasons = {row["member_id"]: row["reason"] for row in rows if row["status"] == "skipped"}
    assert reasons == {
        cast.owner.member_id: "already_read",
        cast.admin.member_id: "already_read",
        cast.member.member_id: "switched_off",
        cast.viewer.member_id: "member_gone",
    }


async def test_what_the_product_no_longer_has_is_not_mailed(client: Client, cast: Cast, runtime: Runtime) -> None:
    await plan_one(runtime, cast)
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run("update notifications n set type = 'bell_melted' where n.workspace_id = :workspace")
    await run_due(runtime)
    assert await letters_to(runtime, cast.member) == []
    [one] = [one for one in await inbox(client.as_(cast.member)) if one["type"] == "bell_melted"]
    assert one["category"] is None, "it stays in the inbox, as it was told"
    response = await client.as_(cast.member).get(f"{API}/{one['id']}/deliveries")
    assert [(row["status"], row["reason"]) for row in response.json()] == [("skipped", "type_gone")]


async def test_who_is_removed_while_something_waits_gets_nothing(client: Client, cast: Cast, runtime: Runtime) -> None:
    with at(NOON):
        for _ in range(2):
            await ring(runtime, cast.acme, [cast.viewer, cast.member])
            await run_due(runtime)
        assert (await client.as_(cast.owner).delete(f"/api/v1/members/{cast.viewer.member_id}")).status_code == 204
        await pass_time(runtime, timedelta(minutes=5))
        assert len(await letters_to(runtime, cast.viewer)) == 1
        assert len(await letters_to(runtime, cast.member)) == 2


async def test_an_address_that_nobody_confirmed_gets_no_mail(client: Client, cast: Cast, runtime: Runtime) -> None:
    async with runtime.database.unit() as unit:
        await unit.run("update users set email_verified_at = null where id = :id", id=cast.member.user_id)
    await ring(runtime, cast.acme, [cast.member])
    await run_due(runtime)
    assert await letters_to(runtime, cast.member) == []
    [skipped] = await deliveries(client.as_(cast.member), title="Big Ben rings")
    assert (skipped["status"], skipped["reason"]) == ("skipped", "email_not_confirmed")


async def test_mail_and_its_note_are_one(cast: Cast, runtime: Runtime) -> None:
    """Whatever happens between the mail and the note that it is sent, there is never one without the other."""
    await plan_one(runtime, cast)
    until = clock.now()
    with pytest.raises(ZeroDivisionError):
        async with runtime.database.unit(cast.acme) as unit:
            looked_at = await deliver_to_member(
                runtime, unit, member_id=cast.member.member_id, until=until, cause_id=new_id()
            )
            assert looked_at == 1
            _ = 1 // 0
    assert await letters_to(runtime, cast.member) == []
    assert await stored(runtime, cast.acme, "status", "mail_id") == [{"status": "pending", "mail_id": None}]
    await run_due(runtime)
    await run_due(runtime)
    assert await subjects_to(runtime, cast.member) == ["Big Ben rings"]


async def test_of_many_at_once_one_delivers(cast: Cast, runtime: Runtime) -> None:
    await plan_one(runtime, cast)
    until = clock.now()

    async def deliver() -> int:
        async with runtime.database.unit(cast.acme) as unit:
            return await deliver_to_member(
                runtime, unit, member_id=cast.member.member_id, until=until, cause_id=new_id()
            )

    assert sum(await asyncio.gather(*(deliver() for _ in range(5)))) == 1
    assert len(await letters_to(runtime, cast.member)) == 1
    await run_due(runtime)
    assert len(await letters_to(runtime, cast.member)) == 1


async def test_what_is_planned_twice_is_sent_once(client: Client, cast: Cast, runtime: Runtime) -> None:
    await ring(runtime, cast.acme, [cast.member])
    await run_due(runtime)
    [told] = await inbox(client.as_(cast.member))
    async with runtime.database.unit(cast.acme) as unit:
        await plan_deliveries(unit, planned=[planned(cast, told["id"])])
    await run_due(runtime)
    assert len(await letters_to(runtime, cast.member)) == 1


async def test_a_plan_that_is_rolled_back_leaves_nothing(cast: Cast, runtime: Runtime) -> None:
    before = await waiting_jobs(runtime, cast.acme)
    unit = runtime.database.unit(cast.acme)
    await plan_deliveries(unit, planned=[])
    await unit.rollback()
    assert await waiting_jobs(runtime, cast.acme) == before
    assert await stored(runtime, cast.acme, "status") == []


async def test_planning_takes_as_many_statements_for_one_as_for_many(cast: Cast, runtime: Runtime) -> None:
    counts: list[int] = []
    for people in ([cast.owner], cast.people()):
        event_id = await ring(runtime, cast.acme, [])
        async with runtime.database.unit(cast.acme) as unit:
            ids = [new_id() for _ in people]
            await unit.run_many(
                """
                insert into notifications
                    (workspace_id, id, member_id, event_id, event_type, type, title, thread, entity, entity_id,
                     created_at)
                values (:workspace, :id, :member_id, :event_id, 'bell.rung', 'bell_rung', 'Bell', 'bell', 'bell', :id,
                        :now)
                """,
                [
                    {"id": one, "member_id": person.member_id, "event_id": event_id, "now": clock.now()}
                    for one, person in zip(ids, people, strict=True)
                ],
            )
            plans = [
                Planned(one, person.member_id, "bell_rung", is_critical=False, email=True, whatsapp=True)
                for one, person in zip(ids, people, strict=True)
            ]
            with watch_statements() as seen:
                await plan_deliveries(unit, planned=plans)
        counts.append(len(seen))
    assert counts[0] == counts[1]


async def test_the_log_of_deliveries_is_the_members_own(client: Client, cast: Cast, runtime: Runtime) -> None:
    await ring(runtime, cast.acme, [cast.member])
    await run_due(runtime)
    [told] = await inbox(client.as_(cast.member))
    path = f"{API}/{told['id']}/deliveries"
    assert len((await client.as_(cast.member).get(path)).json()) == 1
    for other in (cast.owner, cast.viewer, cast.stranger):
        assert refusal(await client.as_(other).get(path)) == (404, "notification_not_found")
    assert refusal(await client.anonymous().get(path)) == (401, "unauthorized")
    assert refusal(await client.as_(cast.stranger, workspace=cast.acme).get(path)) == (404, "not_found")
