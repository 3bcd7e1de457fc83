"""Digests: when they leave, and what stands in them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.domains.notifications.public import Notice, NotificationType, register_notifications
from fostr.kernel.runtime import Runtime
from tests.notifications.delivering import (
    NOON,
    at,
    choose_digest,
    deliveries,
    letters_to,
    pass_time,
    run_due,
    stored,
    subjects_to,
    waiting_jobs,
)
from tests.support.client import Client
from tests.support.notifications import API, BROKEN, inbox, ring
from tests.support.statements import watch_statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.events.visibility import Seen
    from tests.support.cast import Cast

TASK: Final = "bell_task"
"""A type that needs whom it is for; it comes of broken bells with a certain name."""


async def _for_task(unit: Unit, event: Event) -> Sequence[UUID]:
    del unit
    facts = event.after or {}
    return [UUID(one) for one in facts["rings_for"]] if facts["name"].startswith("Task") else []


def _say_task(seen: Seen) -> Notice:
    return Notice(title=f"{seen.name} is yours", thread="task")


register_notifications(
    NotificationType(
        name=TASK,
        category="assigned_actions",
        label="bell task",
        description="A task of the tests.",
        events=frozenset({"bell.rung"}),
        recipients=_for_task,
        compose=_say_task,
    )
)


async def test_a_digest_leaves_at_the_next_half_hour_with_everything_since(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    member = client.as_(cast.member)
    with at(NOON):
        await choose_digest(member, "30")
        await ring(runtime, cast.acme, [cast.member, cast.viewer], name="One")
        await run_due(runtime)
        await pass_time(runtime, timedelta(minutes=10))
        await ring(runtime, cast.acme, [cast.member], name="Two")
        await run_due(runtime)
        # One job for the moment, whatever waits for it.
        assert await waiting_jobs(runtime, cast.acme) == [NOON.replace(minute=30)]
        assert await subjects_to(runtime, cast.member) == []
        assert await subjects_to(runtime, cast.viewer) == ["One rings"]

        await pass_time(runtime, timedelta(minutes=12, seconds=59))
        assert await subjects_to(runtime, cast.member) == []
        await pass_time(runtime, timedelta(seconds=1))
        [digest] = await letters_to(runtime, cast.member)
        assert digest.subject == "2 notifications from Acme"
        assert digest.text.index("Two rings") < digest.text.index("One rings")
        assert digest.text.count("Data") == 1

        # A moment later belongs to the next.
        await ring(runtime, cast.acme, [cast.member], name="Three")
        await run_due(runtime)
        [waiting] = await deliveries(member, title="Three rings")
        assert waiting["due_at"] == "2031-03-12T13:00:00Z"
        await pass_time(runtime, timedelta(minutes=30))
        assert (await subjects_to(runtime, cast.member))[1:] == ["Three rings"]
        # And when nothing happens, nothing comes.
        await pass_time(runtime, timedelta(hours=3))
        assert len(await letters_to(runtime, cast.member)) == 2
        assert await waiting_jobs(runtime, cast.acme) == []


async def test_every_hour_is_at_the_full_hour(client: Client, cast: Cast, runtime: Runtime) -> None:
    with at(NOON):
        await choose_digest(client.as_(cast.member), "60")
        await ring(runtime, cast.acme, [cast.member])
        await run_due(runtime)
        [waiting] = await deliveries(client.as_(cast.member), title="Big Ben rings")
    assert waiting["due_at"] == "2031-03-12T13:00:00Z"


async def test_what_happens_before_midnight_comes_with_the_day(client: Client, cast: Cast, runtime: Runtime) -> None:
    with at(NOON.replace(hour=23, minute=50)):
        await choose_digest(client.as_(cast.member), "60")
        await ring(runtime, cast.acme, [cast.member], name="Late")
        await run_due(runtime)
        [waiting] = await deliveries(client.as_(cast.member), title="Late rings")
        assert waiting["due_at"] == "2031-03-13T00:00:00Z"
        await pass_time(runtime, timedelta(minutes=10))
        await ring(runtime, cast.acme, [cast.member], name="Early")
        await run_due(runtime)
        assert await subjects_to(runtime, cast.member) == ["Late rings"]
        await pass_time(runtime, timedelta(hours=1))
        assert await subjects_to(runtime, cast.member) == ["Late rings", "Early rings"]


async def test_what_needs_somebody_stands_first_and_threads_stand_together(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    with at(NOON):
        await choose_digest(client.as_(cast.member))
        for name in ("Tom", "Task", "Dick", "Tom"):
            await ring(runtime, cast.acme, [cast.member], name=name)
            await run_due(runtime)
            await pass_time(runtime, timedelta(minutes=1))
        await pass_time(runtime, timedelta(minutes=20))
        [digest] = await letters_to(runtime, cast.member)
    lines = [line.removeprefix("* ") for line in digest.text.splitlines()]
    shown = [line for line in lines if line in {"Needs your attention", "Data"} or line.endswith(("rings", "yours"))]
    assert shown == [
        "Needs your attention",
        "Task is yours",
        "Data",
        "Tom rings",
        "Tom rings",
        "Dick rings",
        "Task rings",
    ]


async def test_what_was_read_meanwhile_is_left_out(client: Client, cast: Cast, runtime: Runtime) -> None:
    member = client.as_(cast.member)
    with at(NOON):
        for person in (cast.member, cast.viewer):
            await choose_digest(client.as_(person))
        for name in ("One", "Two"):
            await ring(runtime, cast.acme, [cast.member, cast.viewer], name=name)
        await run_due(runtime)
        [one] = [told for told in await inbox(member) if told["title"] == "One rings"]
        assert (await member.post(f"{API}/mark-read", json={"notification_id": one["id"]})).status_code == 200
        assert (await client.as_(cast.viewer).post(f"{API}/mark-read", json={})).status_code == 200
        await pass_time(runtime, timedelta(minutes=30))
        [digest] = await letters_to(runtime, cast.member)
        assert digest.subject == "Two rings"
        assert "One rings" not in digest.text
        # Who has read everything gets no mail.
        assert await letters_to(runtime, cast.viewer) == []


async def test_what_may_not_be_known_any_more_is_left_out(client: Client, cast: Cast, runtime: Runtime) -> None:
    with at(NOON):
        await choose_digest(client.as_(cast.member))
        await ring(runtime, cast.acme, [cast.member], name="Secret", hidden_from=["viewer"])
        await ring(runtime, cast.acme, [cast.member], name="Open")
        await run_due(runtime)
        change = {"role": "viewer"}
        lowered = await client.as_(cast.owner).patch(f"/api/v1/members/{cast.member.member_id}", json=change)
        assert lowered.status_code == 200, lowered.text
        await pass_time(runtime, timedelta(minutes=30))
        [digest] = await letters_to(runtime, cast.member)
    assert digest.subject == "Open rings"
    assert "Secret" not in digest.text + digest.html


async def test_what_is_critical_does_not_wait_for_it(client: Client, cast: Cast, runtime: Runtime) -> None:
    with at(NOON):
        await choose_digest(client.as_(cast.member))
        await ring(runtime, cast.acme, [cast.member])
        await ring(runtime, cast.acme, [cast.member], type=BROKEN, name="Broken")
        await run_due(runtime)
        assert await subjects_to(runtime, cast.member) == ["Broken rings"]
        await pass_time(runtime, timedelta(minutes=30))
        assert await subjects_to(runtime, cast.member) == ["Broken rings", "Big Ben rings"]


async def test_a_long_digest_says_how_much_more_there_is(client: Client, cast: Cast, runtime: Runtime) -> None:
    with at(NOON):
        await choose_digest(client.as_(cast.member))
        for number in range(53):
            await ring(runtime, cast.acme, [cast.member], name=f"No. {number}")
        await run_due(runtime)
        await pass_time(runtime, timedelta(minutes=30))
        [digest] = await letters_to(runtime, cast.member)
    assert digest.subject == "53 notifications from Acme"
    assert digest.text.count("* No.") == 50
    assert "And 3 more" in digest.text
    assert "And 3 more" in digest.html
    assert {row["status"] for row in await stored(runtime, cast.acme, "status")} == {"sent"}


async def test_a_digest_takes_as_many_statements_for_one_as_for_many(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    counts: list[int] = []
    with at(NOON):
        await choose_digest(client.as_(cast.member))
        for many in (1, 12):
            for number in range(many):
                await ring(runtime, cast.acme, [cast.member], name=f"No. {number}")
            await run_due(runtime)
            with watch_statements(workspace=cast.acme) as seen:
                await pass_time(runtime, timedelta(minutes=30))
            counts.append(len(seen))
    assert counts[0] == counts[1]


async def test_choosing_mail_at_once_sends_what_waited(client: Client, cast: Cast, runtime: Runtime) -> None:
    member = client.as_(cast.member)
    with at(NOON):
        await choose_digest(member)
        for name in ("One", "Two"):
            await ring(runtime, cast.acme, [cast.member], name=name)
        await run_due(runtime)
        assert (await member.put(f"{API}/email-delivery", json={"email_delivery_mode": "instant"})).status_code == 200
        await run_due(runtime)
        assert await subjects_to(runtime, cast.member) == ["2 notifications from Acme"]
        await pass_time(runtime, timedelta(hours=1))
        assert len(await letters_to(runtime, cast.member)) == 1


async def test_workspaces_do_not_share_what_waits(client: Client, cast: Cast, runtime: Runtime) -> None:
    with at(NOON):
        await choose_digest(client.as_(cast.member))
        await choose_digest(client.as_(cast.stranger))
        await ring(runtime, cast.acme, [cast.member], name="Acme's")
        await ring(runtime, cast.globex, [cast.stranger], name="Globex's")
        await run_due(runtime)
        await pass_time(runtime, timedelta(minutes=30))
    assert await subjects_to(runtime, cast.member) == ["Acme's rings"]
    assert await subjects_to(runtime, cast.stranger) == ["Globex's rings"]
