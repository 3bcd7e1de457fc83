"""An event of which nothing can be told holds up nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client
from tests.support.deliveries import deliver, deliveries, delivery
from tests.support.receivers import receive
from tests.support.webhooks import PATH, create_webhook


async def spoil(runtime: Runtime, cast: Cast, webhook: dict[str, Any]) -> None:
    """Have the event of a webhook's creation tell what no such event tells."""
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            """
            update events e set after = '"no facts at all"'::jsonb, before = e.after
            where e.workspace_id = :workspace and e.type = 'webhook.created' and e.entity_id = :id
            """,
            id=UUID(webhook["id"]),
        )


async def mend(runtime: Runtime, cast: Cast, webhook: dict[str, Any]) -> None:
    """Have it tell again what it told."""
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            """
            update events e set after = e.before, before = null
            where e.workspace_id = :workspace and e.type = 'webhook.created' and e.entity_id = :id
            """,
            id=UUID(webhook["id"]),
        )


@pytest.mark.parametrize("is_ordered", [False, True])
async def test_what_follows_it_is_sent(client: Client, cast: Cast, runtime: Runtime, *, is_ordered: bool) -> None:
    owner = client.as_(cast.owner)
    async with receive() as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["webhook.created"], is_ordered=is_ordered)
        path = f"{PATH}/{webhook['id']}"
        await deliver(runtime)
        await owner.post(f"{path}/toggle", json={"is_active": False})
        others = [await create_webhook(owner, "http://127.0.0.1:9/", name=name) for name in ("One", "Bad", "Two")]
        await deliver(runtime)
        # Everybody else has read it by now.
        await spoil(runtime, cast, others[1])
        await owner.post(f"{path}/toggle", json={"is_active": True})
        await deliver(runtime)
        replay = {"since": (clock.now() - timedelta(hours=1)).isoformat(), "status": "missed"}
        assert (await owner.post(f"{path}/replay", json=replay)).status_code == 202
        await deliver(runtime)
        [unreadable] = await deliveries(owner, webhook, status="withheld")
        shown = await delivery(owner, webhook, unreadable["id"])
        assert (await owner.post(f"{path}/deliveries/{unreadable['id']}/replay")).status_code == 202
        await deliver(runtime)
        [still] = await deliveries(owner, webhook, status="withheld")
        await mend(runtime, cast, others[1])
        await owner.post(f"{path}/deliveries/{unreadable['id']}/replay")
        await deliver(runtime)
    names = [one.told["data"]["name"] for one in receiver.deliveries]
    # Its own creation was missed, too.
    followed = [webhook["name"], "One", "Two"]
    assert names[3:] == ["Bad"]
    assert (names[:3] if is_ordered else sorted(names[:3])) == (followed if is_ordered else sorted(followed))
    assert (unreadable["last_error"], unreadable["attempt_count"]) == ("unreadable", 0)
    assert (shown["body"], shown["attempts"]) == (None, [])
    assert still["id"] == unreadable["id"]
