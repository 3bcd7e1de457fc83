"""The hub: nothing lost and nothing twice, whatever ends a stream; and what streams may cost."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from structlog.contextvars import bound_contextvars, get_contextvars

from fostr.domains.notifications.stream.service import compose
from fostr.kernel.events.followers import MOST_WAITING, StreamsUnavailable, Told
from fostr.kernel.events.hub import MOST_OF_A_PERSON, Hub
from fostr.kernel.events.rooms import BATCH, LEAST, STUMBLES, choose_limit
from fostr.kernel.http.live import GONE_SECONDS
from fostr.kernel.runtime import open_runtime
from tests.support.cast import Cast, Person, join
from tests.support.events import repeat_newest
from tests.support.following import following, take_ids
from tests.support.lights import light, light_in, light_many
from tests.support.listening import PATIENCE, STREAM, listen
from tests.support.live import LiveServer

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.access.access import Access
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context
    from fostr.kernel.runtime import Runtime
    from fostr.settings import Settings


async def write_at_once(runtime: Runtime, workspace: UUID, *, seed: int) -> None:
    """Write from several connections at once, in transactions of different lengths."""
    chance = random.Random(seed)  # noqa: S311 - repeatable

    async def write() -> None:
        for _ in range(4):
            async with runtime.database.unit(workspace) as unit:
                for _ in range(chance.randint(1, 3)):
                    await light_in(unit)
                    await asyncio.sleep(chance.random() * 0.01)

    await asyncio.gather(*(write() for _ in range(4)))


async def read_ids(runtime: Runtime, workspace: UUID, *, after: str) -> list[str]:
    """Return the ids of all events behind one of them, as the log has them."""
    async with runtime.database.unit(workspace) as unit:
        rows = await unit.rows(
            """
            select e.id from events e join events s on s.workspace_id = :workspace and s.id = :after
            where e.workspace_id = :workspace and e.position > s.position order by e.position
            """,
            after=after,
        )
    return [str(row["id"]) for row in rows]


@pytest.mark.parametrize("seed", range(2))
async def test_whoever_is_cut_off_at_every_event_hears_exactly_what_others_hear(
    cast: Cast, live: LiveServer, runtime: Runtime, seed: int
) -> None:
    start = str(await light(runtime, cast.acme))
    writing = asyncio.create_task(write_at_once(runtime, cast.acme, seed=seed))
    heard: list[str] = []
    async with listen(live, cast.member, after=start) as whole:
        while not writing.done() or len(heard) < len(await read_ids(runtime, cast.acme, after=start)):
            async with listen(live, cast.viewer, after=heard[-1] if heard else start) as ear:
                heard.append((await ear.next()).id)
        await writing
        written = await read_ids(runtime, cast.acme, after=start)
        assert await whole.next_ids(len(written)) == written
    assert heard == written


@pytest.mark.parametrize("seed", range(2))
async def test_wherever_the_connection_is_cut_nothing_is_lost_or_told_twice(
    cast: Cast, live: LiveServer, runtime: Runtime, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable
    start = str(await light(runtime, cast.acme))
    writing = asyncio.create_task(write_at_once(runtime, cast.acme, seed=seed))
    heard: list[str] = []
    last = start
    while not writing.done() or len(heard) < len(await read_ids(runtime, cast.acme, after=start)):
        async with listen(live, cast.viewer, after=last) as ear:
            for _ in range(chance.randint(0, 7)):
                if writing.done() and len(heard) == len(await read_ids(runtime, cast.acme, after=start)):
                    break
                heard.append((await ear.next()).id)
            last = ear.last_id
    await writing
    assert heard == await read_ids(runtime, cast.acme, after=start)


async def test_an_older_transaction_is_waited_for(cast: Cast, runtime: Runtime) -> None:
    async with following(runtime.hub, runtime, cast.viewer) as follower:
        async with runtime.database.unit(cast.acme) as slow:
            first = await light_in(slow)
            second = await light(runtime, cast.acme)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await take_ids(follower, 1)
        assert await take_ids(follower, 2) == [str(first), str(second)]


async def test_whoever_comes_back_catches_up_beside_those_who_stayed(cast: Cast, runtime: Runtime) -> None:
    start = await light(runtime, cast.acme)
    missed = [str(one) for one in await light_many(runtime, cast.acme, 2 * BATCH + 3)]
    async with following(runtime.hub, runtime, cast.member) as stayed:
        seen = [str(await light(runtime, cast.acme))]
        assert await take_ids(stayed, 1) == seen
        async with (
            following(runtime.hub, runtime, cast.viewer, last_event_id=str(start)) as back,
            following(runtime.hub, runtime, cast.admin, last_event_id=missed[BATCH]) as half,
        ):
            new = [str(await light(runtime, cast.acme)) for _ in range(3)]
            assert await take_ids(back, len(missed) + 4) == [*missed, *seen, *new]
            assert await take_ids(half, len(missed) - BATCH + 3) == [*missed[BATCH + 1 :], *seen, *new]
            assert await take_ids(stayed, 3) == new


async def test_what_no_notice_told_of_is_found(cast: Cast, runtime: Runtime) -> None:
    hub = Hub(runtime.database, runtime.bus, look=0.1)
    async with following(hub, runtime, cast.viewer) as follower:
        first = await light(runtime, cast.acme)
        assert await take_ids(follower, 1) == [str(first)]
        event_id = await repeat_newest(runtime, cast.acme, entity="lighthouse")
        assert await take_ids(follower, 1) == [str(event_id)]
    await hub.close()


async def test_the_loss_of_connections_loses_nothing(cast: Cast, runtime: Runtime) -> None:
    async with following(runtime.hub, runtime, cast.viewer) as follower:
        ids = [str(await light(runtime, cast.acme))]
        async with runtime.database.unit() as unit:
            lost = await unit.value(
                """
                select count(pg_terminate_backend(pid)) from pg_stat_activity
                where application_name = 'fostr bus' and datname = current_database()
                """,
            )
            assert lost
        ids.append(str(await light(runtime, cast.acme)))
        assert await take_ids(follower, 2) == ids


async def test_a_silent_stream_beats_and_notes_how_far_it_is(cast: Cast, runtime: Runtime) -> None:
    hub = Hub(runtime.database, runtime.bus, heartbeat=0.1)
    async with following(hub, runtime, cast.viewer) as follower:
        event_id = await light(runtime, cast.acme, hidden_from=["viewer"])
        async with asyncio.timeout(PATIENCE):
            while f"id: {event_id}\n\n".encode() not in (chunk := await follower.take() or b""):
                assert str(event_id).encode() not in chunk
        assert chunk.startswith(b": heartbeat\n")
    await hub.close()


async def test_a_hundred_streams_hold_no_connection(
    cast: Cast, runtime: Runtime, settings: Settings, database_urls: tuple[str, str]
) -> None:
    people = [*cast.people(), await join(runtime, cast, "viewer")]
    small = settings.model_copy(update={"pool_min": 1, "pool_max": 2})
    with LiveServer(small, database_urls[1]).run() as server:
        async with AsyncExitStack() as stack:
            ears = [
                await stack.enter_async_context(listen(server, person))
                for person in people
                for _ in range(MOST_OF_A_PERSON)
            ]
            assert len(ears) == 100
            event_id = await light(runtime, cast.acme)
            assert {(await ear.next()).id for ear in ears} == {str(event_id)}
            assert server.call(count_busy) == 0


async def count_busy(runtime: Runtime) -> int:
    await asyncio.sleep(0)
    return runtime.database.pool.get_size() - runtime.database.pool.get_idle_size()


async def test_whoever_does_not_read_is_dropped_and_goes_on_later(
    cast: Cast, runtime: Runtime, settings: Settings, database_urls: tuple[str, str]
) -> None:
    with LiveServer(settings, database_urls[1], send_buffer=8192).run() as server:
        stalled = await asyncio.to_thread(open_stalled, server, cast.viewer)
        async with listen(server, cast.member) as reader:
            written: list[str] = []
            while server.call(count_streams) == 2:
                new = [str(one) for one in await light_many(runtime, cast.acme, 50)]
                assert await reader.next_ids(len(new)) == new
                written += new
                assert len(written) < 10 * MOST_WAITING, "the reader who does not read is never dropped"
        with stalled:
            got = await asyncio.to_thread(read_all, stalled)
        last = got[: got.rindex(b"\n\n")].rpartition(b"id: ")[2].split(b"\n")[0].decode()
        rest = written[written.index(last) + 1 :]
        assert rest, "it was dropped and lost nothing"
        async with listen(server, cast.viewer, after=last) as ear:
            assert await ear.next_ids(len(rest)) == rest


async def count_streams(runtime: Runtime) -> int:
    await asyncio.sleep(0)
    return runtime.hub.count


def open_stalled(live: LiveServer, person: Person) -> socket.socket:
    """Ask for a stream with a small buffer, and read nothing of it."""
    address = urlsplit(live.address)
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect((address.hostname, address.port))
    head = f"GET {STREAM} HTTP/1.1\r\nHost: fostr.test\r\nAuthorization: Bearer {person.token}\r\n"
    stalled.sendall(f"{head}X-Workspace-Id: {person.workspace_id}\r\n\r\n".encode())
    assert stalled.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200"
    return stalled


def read_all(stalled: socket.socket) -> bytes:
    """Read what was sent until the server ends the connection, and return it without the marks of its parts."""
    stalled.settimeout(PATIENCE)
    got = b""
    while chunk := stalled.recv(1 << 20):
        got += chunk
    parts: list[bytes] = []
    rest = got.partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        parts.append(rest[: int(size, 16)])
        rest = rest[int(size, 16) + 2 :]
    return b"".join(parts)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux ends such connections")
async def test_a_client_that_vanished_is_noticed(
    cast: Cast, settings: Settings, database_urls: tuple[str, str]
) -> None:
    """By the system, which is told to; and nothing else comes by a connection of which it was told."""
    with LiveServer(settings, database_urls[1]).run() as server:
        async with listen(server, cast.viewer) as ear:
            assert server.read_option(socket.TCP_USER_TIMEOUT) == [1000 * GONE_SECONDS]
            assert ear.response.headers["connection"] == "close"
        async with listen(server, cast.viewer, query={"workspace_id": "none"}, greeted=False) as ear:
            assert server.read_option(socket.TCP_USER_TIMEOUT) == [0]


async def test_a_server_that_stops_ends_its_streams(
    cast: Cast, runtime: Runtime, settings: Settings, database_urls: tuple[str, str]
) -> None:
    async with AsyncExitStack() as stack:
        with LiveServer(settings, database_urls[1]).run() as server:
            ear = await stack.enter_async_context(listen(server, cast.viewer))
            event_id = await light(runtime, cast.acme)
            assert (await ear.next()).id == str(event_id)
        # As the transfer encoding wants it, and not in the middle: the client comes again by itself.
        assert await ear.until_end() == []


async def test_no_stream_is_opened_once_the_hub_is_closed(cast: Cast, runtime: Runtime) -> None:
    hub = Hub(runtime.database, runtime.bus)
    async with following(hub, runtime, cast.viewer) as follower:
        await hub.close()
        async with asyncio.timeout(PATIENCE):
            while await follower.take() is not None:
                pass
    with pytest.raises(StreamsUnavailable):
        async with following(hub, runtime, cast.viewer):
            pass


async def test_what_cannot_be_told_is_passed_over_and_the_client_knows(cast: Cast, runtime: Runtime) -> None:
    faulty: set[UUID] = set()

    async def stumble(context: Context, listeners: Mapping[UUID, Access], events: Sequence[Event]) -> list[Told | None]:
        if faulty.intersection(event.id for event in events):
            raise LookupError("a word is missing")
        return await compose(context, listeners, events)

    async with following(runtime.hub, runtime, cast.viewer, compose=stumble) as follower:
        async with runtime.database.unit(cast.acme) as unit:
            event_id = await light_in(unit)
            faulty.add(event_id)
        async with asyncio.timeout(PATIENCE):
            while b"event: reset" not in (chunk := await follower.take() or b""):
                assert b"workspace_event" not in chunk
        assert f"id: {event_id}\n".encode() in chunk
        after = await light(runtime, cast.acme)
        assert await take_ids(follower, 1) == [str(after)]


async def test_the_log_names_no_request_for_what_happens_after_it(cast: Cast, runtime: Runtime) -> None:
    named: list[dict[str, Any]] = []

    async def look(context: Context, listeners: Mapping[UUID, Access], events: Sequence[Event]) -> list[Told | None]:
        named.append(get_contextvars())
        return await compose(context, listeners, events)

    with bound_contextvars(request_id="the first"):
        async with following(runtime.hub, runtime, cast.viewer, compose=look) as follower:
            event_id = await light(runtime, cast.acme)
            assert await take_ids(follower, 1) == [str(event_id)]
    assert named == [{}] * len(named) != []


async def test_a_database_that_restarts_has_nobody_fetch_everything(cast: Cast, runtime: Runtime) -> None:
    left = STUMBLES

    async def fail(context: Context, listeners: Mapping[UUID, Access], events: Sequence[Event]) -> list[Told | None]:
        nonlocal left
        left -= 1
        if left >= 0:
            raise asyncpg.CannotConnectNowError("the database system is starting up")
        return await compose(context, listeners, events)

    async with following(runtime.hub, runtime, cast.viewer, compose=fail) as follower:
        event_id = await light(runtime, cast.acme)
        heard = b""
        async with asyncio.timeout(PATIENCE):
            while f"id: {event_id}\nevent: workspace_event".encode() not in heard:
                heard += await follower.take() or b""
        assert b"event: reset" not in heard
    assert left < 0


@pytest.mark.parametrize(("classes", "limit"), [(0, BATCH), (1, BATCH), (100, BATCH), (400, 50), (5000, LEAST)])
def test_for_many_classes_little_is_read_at_once(classes: int, limit: int) -> None:
    assert choose_limit(classes) == limit


async def test_streams_beat_while_there_is_no_connection_to_be_had(
    cast: Cast, settings: Settings, database_urls: tuple[str, str]
) -> None:
    small = settings.model_copy(update={"pool_min": 1, "pool_max": 1})
    async with open_runtime(small, database_url=database_urls[1]) as narrow:
        hub = Hub(narrow.database, narrow.bus, heartbeat=0.1)
        async with following(hub, narrow, cast.viewer) as follower:
            async with narrow.database.unit() as unit, asyncio.timeout(PATIENCE):
                await unit.value("select 1")
                for _ in range(2):
                    while not (await follower.take() or b"").startswith(b": heartbeat"):
                        pass
            event_id = await light(narrow, cast.acme)
            assert await take_ids(follower, 1) == [str(event_id)]
        await hub.close()


async def test_whoever_takes_nothing_for_long_is_dropped(cast: Cast, runtime: Runtime) -> None:
    async with following(runtime.hub, runtime, cast.viewer) as follower:
        # The greeting waits.
        follower.beat(0.0, stalled=0.0)
        assert follower.is_ended
        assert await follower.take() is None
