"""Two devices, two tabs, two workers: what happens at the same moment has one outcome, and loses nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.notifications.deliveries.rules import THREAD_PAUSE
from fostr.domains.notifications.preferences import repository
from fostr.domains.notifications.preferences.repository import Switched
from fostr.kernel import clock
from tests.notifications.delivering import NOON, at, pass_time, plan_in, run_due, stored, subjects_to, waiting_jobs
from tests.support.notifications import API, BELL, BROKEN, inbox, ring, unread

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast
    from tests.support.client import Client

ME: Final = f"{API}/me"


async def test_marks_of_many_devices_count_each_notification_once(client: Client, cast: Cast, runtime: Runtime) -> None:
    for name in ("A", "B", "A", "C"):
        await ring(runtime, cast.acme, [cast.member], name=name)
    await run_due(runtime)
    member = client.as_(cast.member)
    newest, *_ = await inbox(member)
    bodies: list[dict[str, Any]] = [{}, {}, {"thread": "bell:A"}, {"notification_id": newest["id"]}, {}]
    answers = await asyncio.gather(*(member.post(f"{API}/mark-read", json=body) for body in bodies))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["updated"] for answer in answers) == 4
    assert await unread(member) == 0


async def test_of_two_who_delete_one_at_once_one_does(client: Client, cast: Cast, runtime: Runtime) -> None:
    await ring(runtime, cast.acme, [cast.member])
    await run_due(runtime)
    member = client.as_(cast.member)
    [told] = await inbox(member)
    answers = await asyncio.gather(*(member.delete(f"{API}/{told['id']}") for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404]


async def test_a_preference_that_is_being_changed_is_not_deleted_meanwhile(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    """Else a change of many finds nothing to change, between looking what is missing and changing the rest."""
    member, member_id = client.as_(cast.member), cast.member.member_id
    own = (await member.post(ME, json={"notification_type": BELL})).json()
    changed = [Switched(BELL, in_app=True, email=True, whatsapp=False, muted=True)]
    async with runtime.database.unit(cast.acme) as unit:
        assert await repository.insert_missing(unit, member_id=member_id, chosen=changed, now=clock.now()) == []
        deleting = asyncio.create_task(member.delete(f"{ME}/{own['id']}"))
        done, _ = await asyncio.wait([deleting], timeout=0.2)
        assert not done
        await repository.update_preferences(unit, member_id=member_id, chosen=changed, now=clock.now())
        [row] = await repository.list_preferences(unit, member_ids=[member_id], types=[BELL])
        assert (row["id"], row["muted"], row["version"]) == (UUID(own["id"]), True, 2)
    assert (await deleting).status_code == 204
    assert (await member.get(ME)).json() == []


async def test_resets_changes_and_deletions_at_once_all_have_an_answer(client: Client, cast: Cast) -> None:
    member = client.as_(cast.member)
    entries = [{"notification_type": name, "muted": True} for name in (BROKEN, BELL)]
    for _ in range(4):
        [own, *_] = (await member.post(f"{ME}/reset")).json()
        answers = await asyncio.gather(
            member.put(f"{ME}/bulk", json={"preferences": entries}),
            member.put(f"{ME}/bulk", json={"preferences": entries[::-1]}),
            member.put(f"{API}/preferences/v2/{own['notification_type']}", json={"muted": True}),
            member.delete(f"{ME}/{own['id']}"),
            member.post(f"{ME}/reset"),
            member.put(f"{ME}/{own['id']}", json={"email_enabled": False}),
        )
        # Two that lock the same rows in other orders: one of them is asked to send its request again.
        assert {answer.status_code for answer in answers} <= {200, 204, 404, 409}, [one.text for one in answers]
    assert (await member.put(f"{ME}/bulk", json={"preferences": entries})).status_code == 200
    settings = (await member.get(f"{API}/preferences/v2")).json()
    assert {settings[name]["muted"] for name in (BELL, BROKEN)} == {True}


async def test_what_happens_in_a_thread_at_the_same_moment_is_not_as_many_mails(cast: Cast, runtime: Runtime) -> None:
    """Plans that do not see each other are all for at once; what comes second waits all the same."""
    with at(NOON):
        events = [await ring(runtime, cast.acme, []) for _ in range(3)]
        await run_due(runtime)
        units = [runtime.database.unit(cast.acme) for _ in events]
        for unit, event_id in zip(units, events, strict=True):
            await plan_in(unit, cast, event_id)
        for unit in units:
            await unit.commit()
            await run_due(runtime)
        assert await subjects_to(runtime, cast.member) == ["Big Ben rings"]
        assert await waiting_jobs(runtime, cast.acme) == [NOON + THREAD_PAUSE]
        await pass_time(runtime, THREAD_PAUSE - timedelta(seconds=1))
        assert len(await subjects_to(runtime, cast.member)) == 1
        await pass_time(runtime, timedelta(seconds=1))
        assert await subjects_to(runtime, cast.member) == ["Big Ben rings", "Big Ben rings (and 1 more)"]
        assert {row["status"] for row in await stored(runtime, cast.acme, "status")} == {"sent"}
