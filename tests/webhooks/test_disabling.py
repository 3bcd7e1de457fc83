"""A webhook whose receiver takes nothing for days is switched off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from fostr.domains.webhooks.deliveries.rules import DISABLED_AFTER, FAILING_AFTER, FAILURES_WITHIN, Clock
from fostr.domains.webhooks.webhooks.sealing import seal_secret
from fostr.kernel import clock
from fostr.kernel.crypto.keys import open_key_ring
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.deliveries import deliver, deliveries, wait
from tests.support.notifications import inbox
from tests.support.receivers import answering, receive
from tests.support.records import create_record, create_recordset
from tests.support.webhooks import PATH, create_webhook

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def fail(told: Clock, *hours: float) -> Clock:
    for hour in hours:
        told = told.count(succeeded=False, now=START + hour * HOUR)
    return told


def test_the_clock_starts_when_failures_lie_half_a_day_apart() -> None:
    assert fail(Clock(), 0, 1, 11.9).failing_since is None
    assert fail(Clock(), 0, 1, 12).failing_since == START + FAILING_AFTER
    assert fail(Clock(), 0, 1, 12, 20).failing_since == START + FAILING_AFTER


def test_failures_that_lie_far_apart_do_not_start_it() -> None:
    assert fail(Clock(), 0, 25, 50, 75).failing_since is None
    assert fail(Clock(), 0, 25, 50, 62).failing_since == START + 62 * HOUR
    assert timedelta(hours=25) > FAILURES_WITHIN


def test_a_success_stops_it() -> None:
    failing = fail(Clock(), 0, 12)
    assert failing.count(succeeded=True, now=START + 13 * HOUR) == Clock()


def test_it_is_over_after_five_days() -> None:
    failing = fail(Clock(), 0, 12, 100)
    assert not failing.is_over(START + FAILING_AFTER + DISABLED_AFTER - HOUR)
    assert failing.is_over(START + FAILING_AFTER + DISABLED_AFTER)


async def fail_for(runtime: Runtime, client: Client, recordset: dict[str, Any], *, days: int) -> None:
    for day in range(days):
        await create_record(client, recordset, {"name": f"Day {day}"})
        await wait(runtime, timedelta(hours=12))
        await wait(runtime, timedelta(hours=12))


async def test_days_of_failure_switch_it_off_with_a_notice(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    async with receive(answering(500)) as receiver, receive() as other:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"], name="Warehouse")
        await create_webhook(owner, other.url, event_types=["webhook.disabled"])
        with clock.travel(to=clock.now(), frozen=True):
            await fail_for(runtime, owner, recordset, days=4)
            failing = (await owner.get(f"{PATH}/{webhook['id']}")).json()
            await fail_for(runtime, owner, recordset, days=3)
            disabled = (await owner.get(f"{PATH}/{webhook['id']}")).json()
            tried = len(receiver.ids)
            await create_record(owner, recordset, {"name": "Too late"})
            await wait(runtime, timedelta(days=1))
            assert len(receiver.ids) == tried
            kept = await deliveries(owner, webhook, status="pending")
            receiver.behave = answering(200)
            switched = await owner.post(f"{PATH}/{webhook['id']}/toggle", json={"is_active": True})
            await deliver(runtime)
            left = await deliveries(owner, webhook, status="pending")
    assert failing["is_active"]
    assert failing["failing_since"] is not None
    assert (disabled["is_active"], disabled["disabled_reason"]) == (False, "failing")
    [told] = [one.told for one in other.deliveries]
    assert told["data"]["after"]["disabled_reason"] == "failing"
    assert told["data"]["actor"]["kind"] == "system"
    assert any("Warehouse" in notice["title"] for notice in await inbox(owner))
    assert switched.json()["failing_since"] is None
    assert kept
    assert not left


async def test_one_success_keeps_it_on(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    async with receive(answering(500)) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        with clock.travel(to=clock.now(), frozen=True):
            await fail_for(runtime, owner, recordset, days=4)
            receiver.behave = answering(200)
            await create_record(owner, recordset, {"name": "Taken"})
            await wait(runtime, timedelta(minutes=2))
            shown = (await owner.get(f"{PATH}/{webhook['id']}")).json()
            receiver.behave = answering(500)
            await fail_for(runtime, owner, recordset, days=3)
            still = (await owner.get(f"{PATH}/{webhook['id']}")).json()
    assert shown["failing_since"] is None
    assert still["is_active"]


async def test_a_secret_that_cannot_be_read_any_more_switches_it_off(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    async with receive() as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        path = f"{PATH}/{webhook['id']}"
        other = open_key_ring(["another server's key, which is gone"])
        async with runtime.database.unit(cast.acme) as unit:
            await unit.run(
                "update webhooks set secret = :sealed where workspace_id = :workspace and id = :id",
                sealed=seal_secret(other, webhook["secret"], workspace=cast.acme),
                id=UUID(webhook["id"]),
            )
        tested = await owner.post(f"{path}/test", json={"event": "record.created"})
        await create_record(owner, recordset, {"name": "Waits"})
        await deliver(runtime)
        disabled = (await owner.get(path)).json()
        renewed = await owner.post(f"{path}/regenerate-secret")
        switched = await owner.post(f"{path}/toggle", json={"is_active": True})
        missed = {"since": (clock.now() - HOUR).isoformat(), "status": "missed"}
        assert (await owner.post(f"{path}/replay", json=missed)).status_code == 202
        await deliver(runtime)
    assert refusal(tested) == (409, "webhook_secret_lost")
    assert (disabled["is_active"], disabled["disabled_reason"]) == (False, "secret_lost")
    assert switched.json()["is_active"]
    [told] = receiver.deliveries
    assert told.verify(renewed.json()["secret"])
