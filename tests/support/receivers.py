"""Receivers of webhooks: real servers that answer by a behaviour, and remember what came."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from standardwebhooks import Webhook

LONGEST: Final = 60.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request as a receiver got it; names of headers are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> dict[str, Any]:
        """The body."""
        return json.loads(self.body)

    def verify(self, secret: str) -> dict[str, Any]:
        """Return the body once the library of Standard Webhooks has verified it, or raise its error."""
        return Webhook(secret).verify(self.body, dict(self.headers))


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a behaviour is given: what came, how many came before, and the way to answer."""

    delivery: Delivery
    earlier: int
    writer: asyncio.StreamWriter

    async def answer(self, status: int, *, content: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        lines += [f"Content-Length: {len(content)}", "Connection: close", "", ""]
        await self.say("\r\n".join(lines).encode() + content)

    async def say(self, words: bytes) -> None:
        """Write bytes as they are."""
        self.writer.write(words)
        await self.writer.drain()


Behaviour: TypeAlias = Callable[[Exchange], Awaitable[None]]


@dataclass
class Receiver:
    """A server and what it was sent; `behave` may be changed while it runs."""

    port: int
    behave: Behaviour
    deliveries: list[Delivery] = field(default_factory=list[Delivery])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        """The ids of the messages, in the order in which they came."""
        return [delivery.id for delivery in self.deliveries]


def answering(status: int = 200, *, content: bytes = b"", headers: Mapping[str, str] | None = None) -> Behaviour:
    """Return the behaviour of a receiver that always says the same."""

    async def behave(exchange: Exchange) -> None:
        await exchange.answer(status, content=content, headers=headers)

    return behave


def failing_in_turns(status: int = 500) -> Behaviour:
    """Return the behaviour of a receiver that fails every other time, the first time too."""

    async def behave(exchange: Exchange) -> None:
        await exchange.answer(status if exchange.earlier % 2 == 0 else 200)

    return behave


async def closing(exchange: Exchange) -> None:
    """Close the connection without a word."""
    exchange.writer.close()


async def silent(exchange: Exchange) -> None:
    """Take the message, and say nothing for as long as the other side waits."""
    del exchange
    await asyncio.sleep(LONGEST)


async def babbling(exchange: Exchange) -> None:
    """Answer with something that is not HTTP."""
    await exchange.say(b"It is a fine day today, is it not?\r\n\r\n")


async def endless(exchange: Exchange) -> None:
    """Say that all is well, and then talk for ever."""
    await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
    while not exchange.writer.is_closing():
        await exchange.say(b"and so on " * 1000)


async def stalling(exchange: Exchange) -> None:
    """Say that all is well, and never come to the end of the answer."""
    await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")
    await asyncio.sleep(LONGEST)


@asynccontextmanager
async def receive(behave: Behaviour | None = None, *, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Receiver]:
    """Run a receiver; by default it answers everything with 200, and without encryption."""
    receiver = Receiver(0, behave or answering())
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            delivery = await _read(reader)
            earlier = len(receiver.deliveries)
            receiver.deliveries.append(delivery)
            await receiver.behave(Exchange(delivery, earlier, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Delivery:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    named = [line.split(":", 1) for line in head[1:] if line]
    headers = {name.strip().lower(): value.strip() for name, value in named}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Delivery(path=head[0].split(" ")[1], headers=headers, body=body)
