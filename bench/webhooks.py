"""Webhooks: messages a second that one worker brings to a receiver on this machine, beside the bare client."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, cast

from bench.data import ensure_records
from bench.relay import CHANNEL, insert_events
from bench.report import Row, round_figure
from fostr.domains.webhooks.events import WEBHOOK_CREATED
from fostr.domains.webhooks.signing import mint_secret, sign, visible_end
from fostr.domains.webhooks.webhooks.repository import insert_webhook
from fostr.domains.webhooks.webhooks.sealing import seal_secret
from fostr.domains.webhooks.webhooks.service import state_of
from fostr.kernel import clock
from fostr.kernel.crypto.keys import open_key_ring
from fostr.kernel.db.database import open_database
from fostr.kernel.events.outbox import record
from fostr.kernel.ids import new_id
from fostr.kernel.outbound.client import open_outbound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bench.world import World

MESSAGES: Final = 4_000
RECORDS: Final = 10_000
AT_ONCE: Final = 10
LEAST: Final = 500.0
PATIENCE_SECONDS: Final = 600.0
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
PRIVATE: Final = {"FOSTR_ALLOW_PRIVATE_ADDRESSES": "true"}


class _Receiver(asyncio.Protocol):
    """Takes every message and says so; connections stay open."""

    bodies: Final[list[bytes]] = []

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The transport of a socket writes, though uvloop's does not derive from this.
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (split := self._received.find(b"\r\n\r\n")) >= 0:
            head, end = self._received[:split].lower(), split + 4
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self._received) < end + length:
                return
            self.bodies.append(self._received[end : end + length])
            self._received = self._received[end + length :]
            self._transport.write(ANSWER)


async def measure_webhooks(world: World) -> list[Row]:
    """Time one worker over events that one webhook is told of, and the bare client over the same messages."""
    recordset = await ensure_records(world, RECORDS)
    connection = await world.connect()
    try:
        async with _receive() as url:
            secret = await _create_webhook(world, url)
            async with world.worker(**PRIVATE):
                await insert_events(connection, world, recordset.id, count=1)
                await connection.execute("select pg_notify($1, $2)", CHANNEL, str(world.workspace))
                await _come(1)
                await insert_events(connection, world, recordset.id, count=MESSAGES)
                started = time.perf_counter()
                await connection.execute("select pg_notify($1, $2)", CHANNEL, str(world.workspace))
                await _come(1 + MESSAGES)
                seconds = time.perf_counter() - started
            bare = await _time_bare(world, url, secret, _Receiver.bodies[1 : 1 + MESSAGES])
    finally:
        await connection.close()
    value, baseline = MESSAGES / seconds, MESSAGES / bare
    return [
        Row(
            name="webhooks",
            value=round_figure(value),
            unit="messages/s",
            baseline=round_figure(baseline),
            ratio=round_figure(value / baseline),
            budget=f"at least {LEAST:.0f}/s",
            ok=value >= LEAST,
            detail=f"{MESSAGES:,} changes of records to one webhook by one worker, each seen with its owner's rights, "
            f"signed, sent and its attempt kept, {AT_ONCE} at a time; the baseline signs and sends the same bodies by "
            "the same client and keeps nothing",
        )
    ]


@asynccontextmanager
async def _receive() -> AsyncGenerator[str]:
    server = await asyncio.get_running_loop().create_server(_Receiver, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    finally:
        server.close()


async def _create_webhook(world: World, url: str) -> str:
    """Make a webhook past the API, which refuses addresses of this machine; return its secret."""
    secret, keys = mint_secret(), open_key_ring(world.settings.secrets)
    database = await open_database(world.application_url, min_size=1, max_size=1)
    try:
        async with database.unit(world.workspace) as unit:
            values = {
                "id": new_id(),
                "name": "Bench",
                "url": url,
                "event_types": ["record.*"],
                "secret": seal_secret(keys, secret, workspace=world.workspace),
                "secret_hint": visible_end(secret),
                "owner_id": world.owner.member_id,
            }
            stored = await insert_webhook(unit, values)
            await record(unit, type=WEBHOOK_CREATED, entity="webhook", entity_id=stored.id, after=state_of(stored))
    finally:
        await database.close()
    return secret


async def _come(count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(_Receiver.bodies) < count:
        if time.monotonic() > deadline:
            raise RuntimeError("the messages did not come")
        await asyncio.sleep(0.005)


async def _time_bare(world: World, url: str, secret: str, bodies: list[bytes]) -> float:
    """Return the seconds that signing and sending as many messages takes, with nothing else."""
    outbound = open_outbound(world.settings.model_copy(update={"allow_private_addresses": True}))
    waiting = iter(bodies)

    async def send() -> None:
        for body in waiting:
            headers = sign(body, message_id=str(new_id()), timestamp=clock.now(), secrets=[secret])
            await outbound.fetch(url, method="POST", headers=headers, content=body)

    started = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    seconds = time.perf_counter() - started
    await outbound.close()
    return seconds
