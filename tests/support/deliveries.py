"""Bring events to webhooks, and let time pass between attempts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fostr.kernel import clock
from fostr.kernel.jobs.dispatch import dispatch
from tests.support.events import PATIENCE
from tests.support.settling import settle
from tests.support.webhooks import PATH

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.runtime import Runtime
    from tests.support.client import Client
    from tests.support.receivers import Receiver


async def deliver(runtime: Runtime) -> None:
    """Send everything that is due now."""
    await settle(runtime, ahead=timedelta())


async def wait(runtime: Runtime, pause: timedelta) -> None:
    """Go forward in time, inside `clock.travel`, and send what is due then."""
    clock.advance(pause)
    await sweep(runtime)


async def sweep(runtime: Runtime) -> None:
    """Look for what is due, as every minute, and send it."""
    async with runtime.database.unit() as unit:
        await dispatch(unit, "webhooks.wake_due", {}, workspace=None)
    await deliver(runtime)


async def deliveries(client: Client, webhook: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    """Return the deliveries of a webhook, the newest first."""
    response = await client.get(f"{PATH}/{webhook['id']}/deliveries", params=params)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def delivery(client: Client, webhook: dict[str, Any], delivery_id: str | UUID) -> dict[str, Any]:
    """Return one delivery of a webhook, with its attempts."""
    response = await client.get(f"{PATH}/{webhook['id']}/deliveries/{delivery_id}")
    assert response.status_code == 200, response.text
    return response.json()


async def has_come(receiver: Receiver, count: int) -> None:
    """Return when a receiver was sent so many messages, while others send them."""
    async with asyncio.timeout(PATIENCE):
        while len(receiver.ids) < count:  # noqa: ASYNC110 - receivers keep what comes, and tell nobody
            await asyncio.sleep(0.01)
