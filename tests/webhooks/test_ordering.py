"""Messages of one webhook in the order of the log, for those that ask for it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client
from tests.support.deliveries import deliver, wait
from tests.support.receivers import answering, failing_in_turns, receive
from tests.support.records import create_record, create_recordset
from tests.support.webhooks import create_webhook


async def test_a_message_that_fails_holds_up_those_behind_it(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    async with receive(failing_in_turns()) as receiver:
        await create_webhook(owner, receiver.url, event_types=["record.*"], is_ordered=True)
        made = [await create_record(owner, recordset, {"name": str(number)}) for number in range(4)]
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            assert len(receiver.ids) == 1
            for count in range(1, 4):
                await wait(runtime, timedelta(seconds=6))
                # The one that failed is taken now, and the next one fails.
                assert len(receiver.ids) == 2 * count + 1
            receiver.behave = answering(200)
            await wait(runtime, timedelta(seconds=6))

    told = [one.told["data"]["entity_id"] for one in receiver.deliveries]
    expected = [record["id"] for record in made for _ in range(2)]
    assert told == expected


async def test_the_order_holds_with_several_workers(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    async with receive() as receiver:
        await create_webhook(owner, receiver.url, event_types=["record.*"], is_ordered=True)
        made = [await create_record(owner, recordset, {"name": str(number)}) for number in range(15)]
        await asyncio.gather(*(deliver(runtime) for _ in range(3)))
    assert [one.told["data"]["entity_id"] for one in receiver.deliveries] == [record["id"] for record in made]
