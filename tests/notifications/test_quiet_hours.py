"""Quiet hours: choosing them, and what becomes of what comes in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.notifications.delivering import (
    NOON,
    at,
    choose_digest,
    choose_quiet,
    deliveries,
    letters_to,
    pass_time,
    plan_one,
    run_due,
    subjects_to,
    waiting_jobs,
)
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.notifications import API, BROKEN, inbox, ring

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast

PATH = f"{API}/quiet-hours"
NIGHT = {"is_enabled": True, "start": "22:00", "end": "07:00", "time_zone": "Europe/Berlin"}


async def test_who_chose_none_is_shown_some_that_are_off(client: Client, cast: Cast) -> None:
    assert (await client.as_(cast.viewer).get(PATH)).json() == {
        "is_enabled": False,
        "start": "22:00",
        "end": "07:00",
        "time_zone": "UTC",
        "days": [1, 2, 3, 4, 5, 6, 7],
        "quiet_until": None,
    }


async def test_they_are_kept_for_a_member_and_a_workspace(client: Client, cast: Cast, runtime: Runtime) -> None:
    with at(datetime(2031, 7, 1, 21, 30, tzinfo=UTC)):
        chosen = await client.as_(cast.viewer).put(PATH, json={**NIGHT, "days": [5, 1, 2, 1]})
        assert chosen.status_code == 200, chosen.text
        assert chosen.json() == {**NIGHT, "days": [1, 2, 5], "quiet_until": "2031-07-02T05:00:00Z"}
        assert (await client.as_(cast.viewer).get(PATH)).json() == chosen.json()
        assert (await client.as_(cast.member).get(PATH)).json()["is_enabled"] is False
        off = await client.as_(cast.viewer).put(PATH, json={**NIGHT, "is_enabled": False})
        assert (off.json()["quiet_until"], off.json()["start"]) == (None, "22:00")
    assert (await event_types(runtime, cast.acme, entity_id=cast.viewer.member_id))[-2:] == [
        "notification_settings.quiet_hours_updated"
    ] * 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"time_zone": "Europe/Atlantis"}, "time_zone_unknown"),
        ({"time_zone": "../../etc/passwd"}, "time_zone_unknown"),
        ({"time_zone": "posixrules"}, "time_zone_unknown"),
        ({"start": "07:00"}, "quiet_hours_endless"),
        ({"start": "24:00"}, "validation_failed"),
        ({"end": "7:00"}, "validation_failed"),
        ({"end": None}, "validation_failed"),
        ({"days": []}, "validation_failed"),
        ({"days": [0]}, "validation_failed"),
        ({"days": [8]}, "validation_failed"),
        ({"more": 1}, "validation_failed"),
    ],
)
async def test_bad_ones_are_refused(client: Client, cast: Cast, change: dict[str, Any], code: str) -> None:
    refused = await client.as_(cast.member).put(PATH, json={**NIGHT, **change})
    assert refusal(refused) == (422, code)
    assert (await client.as_(cast.member).get(PATH)).json()["is_enabled"] is False


async def test_strangers_have_none_here(client: Client, cast: Cast) -> None:
    for method in ("GET", "PUT"):
        body = None if method == "GET" else NIGHT
        response = await client.as_(cast.stranger, workspace=cast.acme).request(method, PATH, json=body)
        assert refusal(response) == (404, "not_found")
        assert refusal(await client.anonymous().request(method, PATH, json=body)) == (401, "unauthorized")


async def test_what_comes_in_them_is_held_and_sent_as_one_digest(client: Client, cast: Cast, runtime: Runtime) -> None:
    member = client.as_(cast.member)
    with at(NOON):
        await choose_quiet(member, "12:00", "13:00")
        await ring(runtime, cast.acme, [cast.member])
        await ring(runtime, cast.acme, [cast.member, cast.viewer], name="Emmanuel")
        await run_due(runtime)
        assert await letters_to(runtime, cast.member) == []
        assert await subjects_to(runtime, cast.viewer) == ["Emmanuel rings"]
        # In the product it is there at once.
        assert len(await inbox(member)) == 2
        [held] = await deliveries(member, title="Big Ben rings")
        assert (held["status"], held["in_digest"]) == ("pending", True)
        assert held["due_at"] == "2031-03-12T13:00:00Z"
        assert await waiting_jobs(runtime, cast.acme) == [NOON.replace(hour=13, minute=0)]

        await pass_time(runtime, timedelta(minutes=53))
        [digest] = await letters_to(runtime, cast.member)
        assert digest.subject == "2 notifications from Acme"
        assert "Big Ben rings" in digest.text
        assert "Emmanuel rings" in digest.text
        await ring(runtime, cast.acme, [cast.member], name="After")
        await run_due(runtime)
        assert (await subjects_to(runtime, cast.member))[1:] == ["After rings"]


async def test_what_is_critical_passes(client: Client, cast: Cast, runtime: Runtime) -> None:
    with at(NOON):
        await choose_quiet(client.as_(cast.member), "12:00", "13:00")
        await ring(runtime, cast.acme, [cast.member], type=BROKEN, name="Broken")
        await ring(runtime, cast.acme, [cast.member])
        await run_due(runtime)
        assert await subjects_to(runtime, cast.member) == ["Broken rings"]


async def test_a_digest_that_would_come_in_them_waits(client: Client, cast: Cast, runtime: Runtime) -> None:
    with at(NOON):
        await choose_digest(client.as_(cast.member), "30")
        await choose_quiet(client.as_(cast.member), "12:20", "15:10")
        await ring(runtime, cast.acme, [cast.member])
        await run_due(runtime)
        [held] = await deliveries(client.as_(cast.member), title="Big Ben rings")
        assert held["due_at"] == "2031-03-12T15:10:00Z"


async def test_a_job_that_comes_late_into_them_holds_what_it_was_to_send(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    with at(NOON):
        await choose_quiet(client.as_(cast.member), "12:08", "13:00")
        await plan_one(runtime, cast)
        # Nobody works for a while.
        await pass_time(runtime, timedelta(minutes=2))
        assert await letters_to(runtime, cast.member) == []
        assert await waiting_jobs(runtime, cast.acme) == [NOON.replace(hour=13, minute=0)]
        await pass_time(runtime, timedelta(minutes=51))
        assert await subjects_to(runtime, cast.member) == ["Big Ben rings"]


async def test_ending_them_sends_what_they_held(client: Client, cast: Cast, runtime: Runtime) -> None:
    with at(NOON):
        await choose_quiet(client.as_(cast.member), "12:00", "20:00")
        for name in ("One", "Two"):
            await ring(runtime, cast.acme, [cast.member], name=name)
        await run_due(runtime)
        await choose_quiet(client.as_(cast.member), "12:00", "20:00", is_enabled=False)
        await run_due(runtime)
        assert await subjects_to(runtime, cast.member) == ["2 notifications from Acme"]
        # The job for the evening finds nothing left.
        await pass_time(runtime, timedelta(hours=9))
        assert len(await letters_to(runtime, cast.member)) == 1


async def test_another_time_zone_holds_for_what_waits(client: Client, cast: Cast, runtime: Runtime) -> None:
    member = client.as_(cast.member)
    with at(NOON):
        await choose_quiet(member, "12:00", "13:00")
        await ring(runtime, cast.acme, [cast.member])
        await run_due(runtime)
        # Clocks in New York show 08:07, and those in Kolkata 17:37.
        await choose_quiet(member, "07:00", "09:00", zone="America/New_York")
        [held] = await deliveries(member, title="Big Ben rings")
        assert (held["status"], held["due_at"]) == ("pending", "2031-03-12T13:00:00Z")
        await choose_quiet(member, "17:00", "18:00", zone="Asia/Kolkata")
        [held] = await deliveries(member, title="Big Ben rings")
        assert held["due_at"] == "2031-03-12T12:30:00Z"
        await pass_time(runtime, timedelta(minutes=23))
        assert await subjects_to(runtime, cast.member) == ["Big Ben rings"]
        await pass_time(runtime, timedelta(hours=1))
        assert len(await letters_to(runtime, cast.member)) == 1


async def test_a_zone_that_is_gone_keeps_nobody_from_being_told(client: Client, cast: Cast, runtime: Runtime) -> None:
    """Names leave the IANA database, and the next server may have an older one."""
    member = client.as_(cast.member)
    with at(NOON):
        await choose_quiet(member, "11:00", "13:00")
        async with runtime.database.unit(cast.acme) as unit:
            await unit.run(
                """
                update notification_quiet_hours q set time_zone = 'Europe/Atlantis'
                where q.workspace_id = :workspace and q.member_id = :member_id
                """,
                member_id=cast.member.member_id,
            )
        shown = (await member.get(PATH)).json()
        assert (shown["time_zone"], shown["quiet_until"]) == ("UTC", "2031-03-12T13:00:00Z")
        await ring(runtime, cast.acme, [cast.member, cast.viewer])
        await run_due(runtime)
        assert await subjects_to(runtime, cast.viewer) == ["Big Ben rings"]
        assert await letters_to(runtime, cast.member) == []
        await pass_time(runtime, timedelta(hours=1))
        assert await subjects_to(runtime, cast.member) == ["Big Ben rings"]
