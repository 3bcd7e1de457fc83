"""The jobs that deliver: beside each other, after errors, and when one of them was lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.domains.notifications.deliveries.sending import give_up
from fostr.domains.notifications.public import Notice, NotificationType, register_notifications
from fostr.kernel import clock
from tests.notifications.delivering import (
    NOON,
    at,
    choose_digest,
    keep_up,
    letters_to,
    pass_time,
    plan_in,
    plan_one,
    run_due,
    stored,
    subjects_to,
    waiting_jobs,
)
from tests.support.notifications import ring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.events.visibility import Seen
    from fostr.kernel.runtime import Runtime
    from tests.support.cast import Cast
    from tests.support.client import Client

FRAGILE: Final = "Fragile"
_cracks: list[str] = []
"""What the words about a fragile bell fail with next."""


async def _for_fragile(unit: Unit, event: Event) -> Sequence[UUID]:
    del unit
    facts = event.after or {}
    return [UUID(one) for one in facts["rings_for"]] if facts["name"] == FRAGILE else []


def _say_fragile(seen: Seen) -> Notice:
    if _cracks:
        raise RuntimeError(_cracks.pop())
    return Notice(title=f"{seen.name} holds", body="Ding.", thread="fragile")


register_notifications(
    NotificationType(
        name="bell_fragile",
        category="data",
        label="fragile bell",
        description="A bell of the tests that cracks.",
        events=frozenset({"bell.rung"}),
        recipients=_for_fragile,
        compose=_say_fragile,
    )
)


async def test_an_error_keeps_nobody_else_waiting_and_is_tried_again(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    with at(NOON):
        for person in (cast.member, cast.viewer):
            await choose_digest(client.as_(person))
        await ring(runtime, cast.acme, [cast.member], name=FRAGILE)
        await ring(runtime, cast.acme, [cast.viewer])
        await run_due(runtime)
        _cracks.append("cracked")
        await pass_time(runtime, timedelta(minutes=30))
        assert _cracks == []
        assert await subjects_to(runtime, cast.viewer) == ["Big Ben rings"]
        [digest] = await letters_to(runtime, cast.member)
        assert "Fragile holds" in digest.text
    async with runtime.database.unit() as unit:
        tried = await unit.rows(
            """
            select attempts, status from jobs
            where workspace_id = :about and name = 'notifications.deliver' and failures > 0
            """,
            about=cast.acme,
        )
    assert [tuple(row) for row in tried] == [(2, "completed")]


async def test_what_never_can_be_delivered_is_put_aside(cast: Cast, runtime: Runtime) -> None:
    await plan_one(runtime, cast)
    async with runtime.database.unit(cast.acme) as unit:
        await give_up(unit, member_id=cast.member.member_id, until=clock.now(), now=clock.now())
    await run_due(runtime)
    assert await letters_to(runtime, cast.member) == []
    assert await stored(runtime, cast.acme, "status", "reason") == [{"status": "failed", "reason": "delivery_failed"}]


async def test_a_plan_that_is_under_way_when_its_moment_comes_is_waited_for(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    """Of two plans for one moment only the first dispatches the job, so the job must not overtake the second."""
    with at(NOON):
        await choose_digest(client.as_(cast.member))
        await plan_one(runtime, cast)
        event_id = await ring(runtime, cast.acme, [])
        late = runtime.database.unit(cast.acme)
        await plan_in(late, cast, event_id)
        assert len(await waiting_jobs(runtime, cast.acme)) == 1
        running = asyncio.create_task(pass_time(runtime, timedelta(minutes=30)))
        await asyncio.sleep(0.25)
        assert await letters_to(runtime, cast.member) == []
        await late.commit()
        await running
        assert await subjects_to(runtime, cast.member) == ["2 notifications from Acme"]
        assert {row["status"] for row in await stored(runtime, cast.acme, "status")} == {"sent"}


async def test_a_lost_job_is_made_up_for_and_what_is_old_is_forgotten(cast: Cast, runtime: Runtime) -> None:
    with at(NOON):
        await plan_one(runtime, cast)
        async with runtime.database.unit() as unit:
            await unit.run(
                """
                with lost as (
                    update jobs set status = 'cancelled', finished_at = :now
                    where workspace_id = :about and status = 'queued' returning id
                )
                delete from pgqueuer where dedupe_key in (select id::text from lost)
                """,
                about=cast.acme,
                now=clock.now(),
            )
        await pass_time(runtime, timedelta(hours=1))
        await keep_up(runtime)
        assert await letters_to(runtime, cast.member) == []
        await pass_time(runtime, timedelta(hours=2))
        await keep_up(runtime)
        assert await subjects_to(runtime, cast.member) == ["Big Ben rings"]
        assert len(await stored(runtime, cast.acme, "status")) == 1
    with at(NOON + timedelta(days=89)):
        await keep_up(runtime)
        assert len(await stored(runtime, cast.acme, "status")) == 1
    with at(NOON + timedelta(days=91)):
        await keep_up(runtime)
        assert await stored(runtime, cast.acme, "status") == []
