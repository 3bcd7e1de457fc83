"""Requests over plain sockets: many of the same on connections that stay open, or one whose answer streams.

It runs in the process of the bench, which does nothing else meanwhile. A request costs it a few dozen microseconds, so
that the servers, and not the client, are what is measured.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import httptools

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class AnswerRefused(Exception):
    """A server answered something else than it was asked for; figures from it would mean nothing."""


@dataclass(frozen=True, slots=True)
class Target:
    """A request, ready to be sent to a server.

    Attributes:
        port: where the server listens on this machine.
        request: the bytes.
        status: what it must answer.
    """

    port: int
    request: bytes
    status: int = 200


def make_target(
    port: int, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b"", status: int = 200
) -> Target:
    """Return a request to a server on this machine."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return Target(port, "\r\n".join([*lines, "", ""]).encode() + body, status)


@dataclass(slots=True)
class Load:
    """What came back in one round.

    Attributes:
        seconds: from the first request to the last answer.
        latencies: of every answer, in seconds.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list[float])

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def median(self) -> float:
        """The time of an answer that half of them did not take, in seconds."""
        return statistics.median(self.latencies)


@dataclass(slots=True)
class Answer:
    """One answer in full.

    Attributes:
        body: its bytes, unless they were only counted.
        size: how many they are.
        first: seconds to the first of them.
        seconds: to the last.
    """

    body: bytes = b""
    size: int = 0
    first: float = 0.0
    seconds: float = 0.0


class _Exchange(asyncio.Protocol):
    """A connection on which an answer is followed by the next request, until the deadline."""

    def __init__(self, target: Target, load: Load, deadline: float) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._target = target
        self._load = load
        self._deadline = deadline
        self._started = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        assert self._transport is not None  # noqa: S101 - set before anything is sent
        self._parser = httptools.HttpResponseParser(self)
        self._started = time.perf_counter()
        self._transport.write(self._target.request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        assert self._transport is not None  # noqa: S101 - set before anything arrives
        if self.done.done():
            # The bench was stopped meanwhile.
            self._transport.close()
            return
        now = time.perf_counter()
        status = self._parser.get_status_code()
        if status != self._target.status:
            self._transport.close()
            self.done.set_exception(AnswerRefused(f"{status} in the place of {self._target.status}"))
            return
        self._load.latencies.append(now - self._started)
        if now < self._deadline:
            # Not from inside the parser, which is replaced.
            asyncio.get_running_loop().call_soon(self._send)
        else:
            self._transport.close()
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or AnswerRefused("the server closed the connection"))


async def load(target: Target, *, connections: int, seconds: float) -> Load:
    """Send a request again and again on some connections for some seconds."""
    measured = Load()
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    exchanges = [
        (
            await loop.create_connection(
                lambda: _Exchange(target, measured, started + seconds), "127.0.0.1", target.port
            )
        )[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(exchange.done for exchange in exchanges))
    measured.seconds = time.perf_counter() - started
    return measured


async def alternate(
    targets: Sequence[Target], *, connections: int, seconds: float = 2.0, rounds: int = 5
) -> list[list[Load]]:
    """Load each target in turn, over and over, so that a busy moment of the machine meets them all.

    Returns:
        for each target its rounds, without the first, in which servers warm up.
    """
    results: list[list[Load]] = [[] for _ in targets]
    for number in range(rounds + 1):
        for target, rounds_of_it in zip(targets, results, strict=True):
            measured = await load(target, connections=connections, seconds=seconds if number else seconds / 2)
            if number:
                rounds_of_it.append(measured)
    return results


def median_rate(rounds: Sequence[Load]) -> float:
    """Return the answers a second of the middle round."""
    return statistics.median(load.rate for load in rounds)


def median_time(rounds: Sequence[Load]) -> float:
    """Return the time of an answer in the middle round, in seconds."""
    return statistics.median(load.median for load in rounds)


class _Fetch(asyncio.Protocol):
    """One request; its answer is kept, or only counted."""

    def __init__(self, target: Target, *, keeps: bool) -> None:
        self.done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._target = target
        self._parts: list[bytes] = []
        self._keeps = keeps
        self._answer = Answer()
        self._started = time.perf_counter()
        self._parser: Any = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._target.request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        if not self._answer.size:
            self._answer.first = time.perf_counter() - self._started
        self._answer.size += len(body)
        if self._keeps:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        assert self._transport is not None  # noqa: S101 - set before anything arrives
        if self.done.done():
            # The bench was stopped meanwhile.
            self._transport.close()
            return
        self._answer.seconds = time.perf_counter() - self._started
        self._answer.body = b"".join(self._parts)
        self._transport.close()
        status = self._parser.get_status_code()
        if status == self._target.status:
            self.done.set_result(self._answer)
        else:
            self.done.set_exception(AnswerRefused(f"{status}: {self._answer.body[:500].decode()}"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or AnswerRefused("the server closed the connection"))


async def fetch(target: Target, *, keeps: bool = True) -> Answer:
    """Send a request once and return the answer; of a long one, without its bytes."""
    loop = asyncio.get_running_loop()
    _, exchange = await loop.create_connection(lambda: _Fetch(target, keeps=keeps), "127.0.0.1", target.port)
    return await exchange.done
