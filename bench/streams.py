"""Live streams: from the request that writes a record to the event on every open stream, and what a stream weighs."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self, cast

import orjson
import psutil

from bench.data import NEW_RECORD, create_recordset
from bench.load import AnswerRefused, fetch
from bench.report import Row, round_figure
from bench.world import Person, create_token, create_user
from fostr.domains.workspaces.public import add_member
from fostr.kernel.db.database import open_database
from fostr.kernel.events.hub import MOST_OF_A_PERSON
from fostr.kernel.process import allow_sockets

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from bench.data import Recordset
    from bench.load import Target
    from bench.world import World

STREAMS: Final = 1_000
WRITES: Final = 100
OPENED_AT_ONCE: Final = 25
PAUSE_SECONDS: Final = 0.05
"""Between writes, so that each is measured by itself."""
PATIENCE_SECONDS: Final = 60.0
MOST_MS: Final = 100.0
PATH: Final = "/api/v1/notifications/stream"


async def measure_streams(world: World) -> list[Row]:
    """Write records while one stream is open, and while many are."""
    allow_sockets()
    recordset = await create_recordset(world, "Streamed")
    people = await _join(world, recordset, count=STREAMS // MOST_OF_A_PERSON)
    targets = [await world.target(person, "GET", PATH) for person in people for _ in range(MOST_OF_A_PERSON)]
    body = orjson.dumps({"recordset_id": str(recordset.id), "field_values": NEW_RECORD})
    write = await world.target(world.owner, "POST", "/api/v1/records", body=body, status=201)
    api = psutil.Process((await world.api()).id)

    async with _Listening() as few:
        # Also warms up what the first stream of a process brings with it.
        await few.open(targets[:1])
        one = await _write(write, few)
    before = api.memory_info().rss
    async with _Listening() as many:
        await many.open(targets)
        weight = (api.memory_info().rss - before) / len(targets) / 1024
        all_of_them = await _write(write, many)
        after = (api.memory_info().rss - before) / len(targets) / 1024
    return [
        _delivery("stream_1", one, streams=1),
        _delivery(f"stream_{STREAMS}", all_of_them, streams=STREAMS),
        Row(
            name="stream_memory",
            value=round_figure(weight),
            unit="KB/stream",
            baseline=None,
            ratio=None,
            budget="none set",
            ok=True,
            detail=f"resident memory of the API, per stream, with {STREAMS:,} of {len(people)} people open and silent; "
            f"{after:.0f} KB once {WRITES} events had been told to each",
        ),
    ]


def _delivery(name: str, measured: _Measured, *, streams: int) -> Row:
    median, late = (1000 * _quantile(measured.delivered, share) for share in (0.5, 0.99))
    answered = 1000 * statistics.median(measured.answered)
    return Row(
        name=name,
        value=round_figure(late),
        unit="ms",
        baseline=None,
        ratio=None,
        budget=f"99 % of events in {MOST_MS:g} ms",
        ok=late <= MOST_MS,
        detail=f"from the request that creates a record to its event on {streams:,} open streams, {WRITES} times, "
        f"fsync on; half of them in {median:.1f} ms; the request itself is answered in {answered:.1f} ms",
    )


def _quantile(numbers: Sequence[float], share: float) -> float:
    return sorted(numbers)[min(len(numbers) - 1, int(share * len(numbers)))]


@dataclass(slots=True)
class _Measured:
    delivered: list[float] = field(default_factory=list[float])
    answered: list[float] = field(default_factory=list[float])


async def _write(target: Target, listening: _Listening) -> _Measured:
    measured = _Measured()
    for _ in range(WRITES):
        listening.expect()
        started = time.perf_counter()
        await fetch(target)
        measured.answered.append(time.perf_counter() - started)
        measured.delivered += [arrived - started for arrived in await listening.all_arrived()]
        await asyncio.sleep(PAUSE_SECONDS)
    return measured


class _Stream(asyncio.Protocol):
    """One open stream: it notes when an event comes."""

    def __init__(self, target: Target, listening: _Listening) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self._target = target
        self._listening = listening

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._target.request)

    def data_received(self, data: bytes) -> None:
        if b"event: workspace_event" in data:
            self._listening.arrive(time.perf_counter())
        elif not self.opened.done() and b"event: ready" in data:
            self.opened.set_result(None)
        elif not self.opened.done() and not data.startswith(b"HTTP/1.1 200"):
            self.opened.set_exception(AnswerRefused(data.decode()))

    def connection_lost(self, exc: Exception | None) -> None:
        error = exc or AnswerRefused("the server closed the stream")
        if not self.opened.done():
            self.opened.set_exception(error)
        self._listening.lose(error)


class _Listening:
    """Open streams, closed in the end."""

    def __init__(self) -> None:
        self._streams: list[_Stream] = []
        self._arrived: list[float] = []
        self._complete: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._complete = None
        for stream in self._streams:
            if stream.transport is not None:
                stream.transport.abort()

    async def open(self, targets: Sequence[Target]) -> None:
        """Open streams, some at a time."""
        for first in range(0, len(targets), OPENED_AT_ONCE):
            await asyncio.gather(*(self._open(target) for target in targets[first : first + OPENED_AT_ONCE]))

    async def _open(self, target: Target) -> None:
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_connection(lambda: _Stream(target, self), "127.0.0.1", target.port)
        self._streams.append(stream)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await stream.opened

    def expect(self) -> None:
        """Wait for one event on each stream from here on."""
        self._arrived = []
        self._complete = asyncio.get_running_loop().create_future()

    def arrive(self, moment: float) -> None:
        """Take note of an event."""
        self._arrived.append(moment)
        if len(self._arrived) == len(self._streams) and self._complete is not None and not self._complete.done():
            self._complete.set_result(None)

    def lose(self, error: Exception) -> None:
        """Take note of a stream that ended."""
        if self._complete is not None and not self._complete.done():
            self._complete.set_exception(error)

    async def all_arrived(self) -> list[float]:
        """Return when the event came, on each stream."""
        assert self._complete is not None  # noqa: S101 - `expect` comes first
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._complete
        return self._arrived


async def _join(world: World, recordset: Recordset, *, count: int) -> list[Person]:
    """Return new members who may see the records of a recordset through a team."""
    people = await _create_people(world, count)
    team = await world.call(world.owner, "POST", "/api/v1/teams", json={"name": "Listeners"})
    for person in people:
        body = {"member_id": str(person.member_id)}
        await world.call(world.owner, "POST", f"/api/v1/teams/{team['id']}/members", json=body)
    grant = {"team_id": team["id"], "actions": ["can_view"]}
    await world.call(world.owner, "POST", f"/api/v1/recordsets/{recordset.id}/access", json=grant)
    return people


async def _create_people(world: World, count: int) -> list[Person]:
    database = await open_database(world.application_url, min_size=1, max_size=1)
    people: list[Person] = []
    try:
        for number in range(count):
            async with database.unit() as unit:
                user_id: UUID = await create_user(unit, f"listener{number}")
                token = await create_token(unit, user_id)
            async with database.unit(world.workspace) as unit:
                added = await add_member(unit, workspace_id=world.workspace, user_id=user_id, role="member")
            people.append(Person(user_id, added.id, token))
    finally:
        await database.close()
    return people
