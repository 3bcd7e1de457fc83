"""Listen to a live stream over a socket."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from uuid import UUID

    from tests.support.cast import Person
    from tests.support.live import LiveServer

STREAM = "/api/v1/notifications/stream"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Made once: a client that makes its own reads all certificates of the machine for it."""
PATIENCE = 20.0
"""Seconds that an event may take on a busy machine before a test fails."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One event of a stream; without data, only the id that the client takes note of."""

    event: str
    id: str
    data: Any


class Ear:
    """A client of a stream, as the standard for server-sent events wants it."""

    def __init__(self, response: httpx2.Response) -> None:
        """Listen to an answer."""
        self.response = response
        self._lines = response.aiter_lines()
        self.retry: int | None = None
        self.last_id = ""
        self.comments: list[str] = []
        self._untaken: list[str] = []

    def take_lines(self) -> list[str]:
        """Return every line that was read since this was last asked."""
        taken, self._untaken = self._untaken, []
        return taken

    async def next(self, *names: str) -> Heard:
        """Return the next event, or the next one that has one of these names."""
        async with asyncio.timeout(PATIENCE):
            while True:
                heard = await self._read()
                if heard is None:
                    raise EOFError
                if heard.event and (not names or heard.event in names):
                    return heard

    async def next_ids(self, count: int) -> list[str]:
        """Return the ids of so many events."""
        return [(await self.next()).id for _ in range(count)]

    async def until_end(self) -> list[Heard]:
        """Return everything up to the end of the stream."""
        heard: list[Heard] = []
        async with asyncio.timeout(PATIENCE):
            while (one := await self._read()) is not None:
                heard.append(one)
        return heard

    async def until_note(self) -> str:
        """Return the next id that comes without an event."""
        async with asyncio.timeout(PATIENCE):
            while (heard := await self._read()) is not None:
                if not heard.event:
                    return heard.id
        raise EOFError

    async def _read(self) -> Heard | None:
        event, data, noted = "", "", False
        async for line in self._lines:
            self._untaken.append(line)
            name, _, value = line.partition(": ")
            if not line and (event or data or noted):
                return Heard(event, self.last_id, json.loads(data) if data else None)
            if name == "id":
                self.last_id, noted = value, True
            elif name == "event":
                event = value
            elif name == "data":
                data += value
            elif name == "retry":
                self.retry = int(value)
            elif line.startswith(":"):
                self.comments.append(line[1:].strip())
        return None


@asynccontextmanager
async def listen(
    live: LiveServer,
    person: Person | None = None,
    *,
    workspace_id: UUID | None = None,
    headers: Mapping[str, str] | None = None,
    after: str | None = None,
    greeted: bool = True,
    query: Mapping[str, str] | None = None,
    path: str = STREAM,
) -> AsyncGenerator[Ear]:
    """Open a stream, as a person of the cast or with the headers given, and close the socket in the end.

    Args:
        live: the server.
        person: whose token and workspace are sent.
        workspace_id: another workspace than theirs.
        headers: sent besides, or instead.
        after: the id of the event that was heard last.
        greeted: whether the greeting is awaited and taken off first.
        query: of the address.
        path: of another stream.
    """
    sent = dict(headers or {})
    if person is not None:
        sent |= {"Authorization": f"Bearer {person.token}", "X-Workspace-Id": str(workspace_id or person.workspace_id)}
    if after is not None:
        sent["Last-Event-ID"] = after
    async with (
        httpx2.AsyncClient(base_url=live.address, timeout=PATIENCE, verify=NO_TLS) as client,
        client.stream("GET", path, headers=sent, params=dict(query or {})) as response,
    ):
        if response.status_code != 200:
            await response.aread()
        ear = Ear(response)
        if greeted:
            assert response.status_code == 200, response.text
            assert (await ear.next()).event == "ready"
        yield ear
