"""Answers that stream: server-sent events with ids, heartbeats and resuming, and newline-delimited JSON."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
from anyio import CancelScope
from fastapi import Header
from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Send

HEARTBEAT_SECONDS: Final = 15.0
NDJSON: Final = "application/x-ndjson"
STREAM_HEADERS: Final = {"Cache-Control": "no-cache, no-store", "X-Accel-Buffering": "no"}

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="The id of the last event that was received; the stream goes on after it.",
    ),
]


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event of a stream.

    Attributes:
        data: a JSON value.
        event: the event's name.
        id: what a client sends back as `Last-Event-ID` to go on from here.
    """

    data: Any
    event: str | None = None
    id: str | None = None

    def encode(self) -> bytes:
        """Return the event as it goes over the wire (HTML standard, section 9.2)."""
        lines: list[bytes] = []
        if self.id is not None:
            lines.append(b"id: " + self.id.encode())
        if self.event is not None:
            lines.append(b"event: " + self.event.encode())
        lines.append(b"data: " + orjson.dumps(self.data, default=str, option=orjson.OPT_NON_STR_KEYS))
        return b"\n".join(lines) + b"\n\n"


class SourceStream(StreamingResponse):
    """An answer that ends its source when it ends itself, whatever the reason.

    When a client goes, Starlette cancels the answer and forgets the source. Whatever that holds open, a transaction
    above all, would stay so until the garbage collector came by.
    """

    def __init__(self, chunks: AsyncGenerator[bytes]) -> None:
        """Stream what a generator yields."""
        super().__init__(chunks, headers=STREAM_HEADERS)
        self._chunks = chunks

    async def stream_response(self, send: Send) -> None:
        """Send everything, then close the source; also when the task is cancelled meanwhile."""
        try:
            await super().stream_response(send)
        finally:
            with CancelScope(shield=True):
                await self._chunks.aclose()


class EventStream(SourceStream):
    """Server-sent events, with a heartbeat while nothing happens.

    The source is closed as soon as the client goes, also while it waits for its next event.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[ServerEvent], *, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        """Stream events.

        Args:
            events: the source; it ends the stream by ending.
            heartbeat: seconds of silence after which a comment keeps the connection alive.
        """
        super().__init__(_with_heartbeat(events, heartbeat))


async def _with_heartbeat(events: AsyncGenerator[ServerEvent], seconds: float) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        upcoming: asyncio.Task[ServerEvent] | None = None
        try:
            while True:
                upcoming = upcoming or asyncio.ensure_future(anext(events))
                done, _ = await asyncio.wait({upcoming}, timeout=seconds)
                if not done:
                    yield b": heartbeat\n\n"
                    continue
                finished, upcoming = upcoming, None
                try:
                    event = finished.result()
                except StopAsyncIteration:
                    return
                yield event.encode()
        finally:
            if upcoming is not None:
                upcoming.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration):
                    await upcoming


class JsonLines(SourceStream):
    """Newline-delimited JSON; the source yields whole lines, or many at once, without caring for packets."""

    media_type = NDJSON
