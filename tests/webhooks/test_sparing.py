"""Receivers that ask to be left alone, for a while or for good; and what ends that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fostr.domains.webhooks.deliveries.rules import LONGEST_ASKED, PAUSES, PROBE_EVERY, Clock, read_retry_after
from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client
from tests.support.deliveries import deliver, deliveries, wait
from tests.support.events import event_types
from tests.support.notifications import inbox
from tests.support.receivers import Exchange, answering, receive
from tests.support.records import create_record
from tests.support.webhooks import PATH, create_webhook

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENT = timedelta(seconds=1)
BEYOND_ALL_BOUNDS = "Mon, 0 Jan 99999999999999999999999 00:00:00 GMT"


async def health(client: Client, webhook: dict[str, Any]) -> dict[str, Any]:
    return (await client.get(f"{PATH}/{webhook['id']}/health")).json()


@given(st.one_of(st.text(), st.from_regex(r"\w{3}, [0-9]{1,30} Jan [0-9]{1,30} [0-9:]{1,30} [+-]?[0-9]{1,30}")))
def test_whatever_a_receiver_writes_there_is_a_time_or_nothing(value: str) -> None:
    assert read_retry_after(value, now=NOW) >= timedelta()


def test_the_last_of_several_pauses_counts() -> None:
    paused = Clock().pause(NOW + HOUR)
    assert paused.pause(NOW) == paused.pause(None) == paused
    assert paused.pause(NOW + 2 * HOUR).paused_until == NOW + 2 * HOUR
    assert (paused.is_paused(NOW), paused.is_paused(NOW + HOUR), Clock().is_paused(NOW)) == (True, False, False)
    for succeeded in (True, False):
        assert paused.count(succeeded=succeeded, now=NOW).paused_until == NOW + HOUR


async def test_a_header_that_makes_no_sense_does_not_send_a_message_for_ever(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(503, headers={"Retry-After": BEYOND_ALL_BOUNDS})) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            [noted] = await deliveries(owner, webhook)
    assert len(receiver.ids) == noted["attempt_count"] == 1
    assert noted["last_status_code"] == 503


@pytest.mark.parametrize(
    ("status", "asked", "pause"),
    [(429, "3600", HOUR), (503, "3600", HOUR), (429, None, PROBE_EVERY), (429, "999999999", LONGEST_ASKED)],
)
async def test_a_receiver_that_has_too_much_to_do_is_sent_nothing_until_it_wants_more(
    client: Client,
    cast: Cast,
    runtime: Runtime,
    recordset: dict[str, Any],
    status: int,
    asked: str | None,
    pause: timedelta,
) -> None:
    owner = client.as_(cast.owner)
    headers = {} if asked is None else {"Retry-After": asked}
    async with receive(answering(status, headers=headers)) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "First"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            paused = await health(owner, webhook)
            receiver.behave = answering(200)
            for number in range(3):
                await create_record(owner, recordset, {"name": str(number)})
            await wait(runtime, pause - MOMENT)
            assert len(receiver.ids) == 1, "it was not left alone"
            await wait(runtime, MOMENT)
            assert len(set(receiver.ids[1:])) >= 3
            assert (await health(owner, webhook))["paused_until"] is None
            await wait(runtime, PAUSES[0] * 2)
            statuses = [one["status"] for one in await deliveries(owner, webhook)]
    assert paused["paused_until"] is not None
    assert statuses == ["succeeded"] * 4


async def test_a_receiver_that_only_fails_is_not_paused(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(500, headers={"Retry-After": "3600"})) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        with clock.travel(to=clock.now(), frozen=True):
            for name in ("First", "Second"):
                await create_record(owner, recordset, {"name": name})
                await deliver(runtime)
            assert (await health(owner, webhook))["paused_until"] is None
    assert len(set(receiver.ids)) == 2


@pytest.mark.parametrize("way", ["change", "replay", "switch"])
async def test_people_can_end_a_pause(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], way: str
) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(429, headers={"Retry-After": "3600"})) as receiver, receive() as other:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        path = f"{PATH}/{webhook['id']}"
        await create_record(owner, recordset, {"name": "First"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            await create_record(owner, recordset, {"name": "Second"})
            await deliver(runtime)
            assert len(receiver.ids) == 1
            receiver.behave = answering(200)
            if way == "change":
                await owner.patch(path, json={"url": other.url})
            elif way == "replay":
                await owner.post(f"{path}/replay", json={"since": (clock.now() - HOUR).isoformat()})
            else:
                for is_active in (False, True):
                    await owner.post(f"{path}/toggle", json={"is_active": is_active})
            await create_record(owner, recordset, {"name": "Third"})
            await deliver(runtime)
    told = [one.told["data"]["name"] for one in (*receiver.deliveries[1:], *other.deliveries)]
    # What happened and was not read yet when it was switched off was missed.
    expected = {"change": ["Second", "Third"], "replay": ["First", "Second", "Third"], "switch": ["Third"]}
    assert sorted(told) == expected[way]


async def test_a_receiver_that_is_gone_is_sent_nothing_more(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(410)) as receiver, receive() as moved:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"], name="Warehouse")
        path = f"{PATH}/{webhook['id']}"
        await create_record(owner, recordset, {"name": "First"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            gone = (await owner.get(path)).json()
            await create_record(owner, recordset, {"name": "Second"})
            await wait(runtime, timedelta(days=1))
            assert len(receiver.ids) == 1
            [waiting] = await deliveries(owner, webhook)
            await owner.patch(path, json={"url": moved.url, "is_active": True})
            await deliver(runtime)
    assert (gone["is_active"], gone["disabled_reason"]) == (False, "gone")
    assert waiting["status"] == "pending"
    assert [one.told["data"]["name"] for one in moved.deliveries] == ["First"]
    assert "webhook.disabled" in await event_types(runtime, cast.acme, entity_id=webhook["id"])
    assert any("Warehouse" in notice["title"] for notice in await inbox(owner))


async def test_a_former_receiver_that_is_gone_does_not_switch_off_the_next(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    """Its answer comes when the webhook has another address already."""
    owner = client.as_(cast.owner)
    async with receive() as moved:

        async def leave(exchange: Exchange) -> None:
            await owner.patch(f"{PATH}/{webhook['id']}", json={"url": moved.url})
            await exchange.answer(410)

        async with receive(leave) as receiver:
            webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
            await create_record(owner, recordset, {"name": "First"})
            with clock.travel(to=clock.now(), frozen=True):
                await deliver(runtime)
                await wait(runtime, PAUSES[0] * 2)
            shown = (await owner.get(f"{PATH}/{webhook['id']}")).json()
            [listed] = await deliveries(owner, webhook)
            kept = (await owner.get(f"{PATH}/{webhook['id']}/deliveries/{listed['id']}")).json()
    assert (shown["is_active"], shown["disabled_reason"]) == (True, None)
    assert [one["url"] for one in kept["attempts"]] == [receiver.url, moved.url]
    assert [one["status_code"] for one in kept["attempts"]] == [410, 200]
