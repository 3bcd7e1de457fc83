"""The unit of work: lazily begun, bound to a workspace, committed or undone as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

import asyncpg
import pytest

from fostr.kernel.db.unit import LOST, Unit
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.losses import lose_connection

INSERT = "insert into installation (key, value) values (:key, 'x')"
FIND = "select value from installation where key = :key"
PATIENCE = 30


async def test_what_passes_is_committed(runtime: Runtime) -> None:
    key = new_id().hex
    async with runtime.database.unit() as unit:
        assert await unit.run(INSERT, key=key) == 1
    async with runtime.database.unit() as unit:
        assert await unit.value(FIND, key=key) == "x"


async def test_what_fails_leaves_nothing(runtime: Runtime) -> None:
    key = new_id().hex
    with pytest.raises(RuntimeError, match="stop"):
        async with runtime.database.unit() as unit:
            await unit.run(INSERT, key=key)
            raise RuntimeError("stop")
    async with runtime.database.unit() as unit:
        assert await unit.value(FIND, key=key) is None


async def test_a_commit_that_undoes_everything_is_no_commit(runtime: Runtime) -> None:
    key = new_id().hex
    told: list[str] = []

    async def tell() -> None:
        told.append(key)

    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        async with runtime.database.unit() as unit:
            unit.after_commit(tell)
            await unit.run(INSERT, key=key)
            with suppress(asyncpg.DivisionByZeroError):
                await unit.value("select 1 / 0")
    assert told == []
    async with runtime.database.unit() as unit:
        assert await unit.value(FIND, key=key) is None


async def test_a_unit_without_statements_takes_no_connection(runtime: Runtime) -> None:
    before = runtime.database.pool.get_idle_size()
    async with runtime.database.unit():
        assert runtime.database.pool.get_idle_size() == before


async def test_the_workspace_is_known_to_the_transaction_and_to_no_other(runtime: Runtime, cast: Cast) -> None:
    setting = "select nullif(current_setting('fostr.workspace', true), '')"
    async with runtime.database.unit(cast.acme) as unit:
        assert UUID(await unit.value(setting)) == cast.acme
        assert await unit.value("select :workspace::uuid") == cast.acme
    units = [runtime.database.unit() for _ in range(5)]
    for unit in units:
        assert await unit.value(setting) is None
    for unit in units:
        await unit.commit()


async def test_a_unit_is_bound_to_one_workspace(runtime: Runtime, cast: Cast) -> None:
    setting = "select nullif(current_setting('fostr.workspace', true), '')"
    async with runtime.database.unit() as unit:
        assert await unit.value(setting) is None
        unit.enter_workspace(cast.acme)
        unit.enter_workspace(cast.acme)
        assert UUID(await unit.value(setting)) == cast.acme
        with pytest.raises(RuntimeError, match="one workspace"):
            unit.enter_workspace(cast.globex)


async def test_actions_wait_for_the_commit(runtime: Runtime) -> None:
    done: list[str] = []

    async def act() -> None:
        done.append("acted")

    async with runtime.database.unit() as unit:
        unit.after_commit(act)
        await unit.value("select 1")
        assert done == []
    assert done == ["acted"]

    with pytest.raises(RuntimeError, match="stop"):
        async with runtime.database.unit() as unit:
            unit.after_commit(act)
            raise RuntimeError("stop")
    assert done == ["acted"]


async def test_notices_go_out_once_and_only_with_the_commit(runtime: Runtime, database_urls: tuple[str, str]) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(database_urls[1])

    def hear(_: object, __: int, ___: str, payload: object) -> None:
        heard.put_nowait(str(payload))

    await listener.add_listener("unit_test", hear)
    with pytest.raises(RuntimeError, match="stop"):
        async with runtime.database.unit() as unit:
            await unit.value("select 1")
            unit.notify("unit_test", "undone")
            raise RuntimeError("stop")
    async with runtime.database.unit() as unit:
        await unit.value("select 1")
        unit.notify("unit_test", "kept")
        unit.notify("unit_test", "kept")
    assert await asyncio.wait_for(heard.get(), PATIENCE) == "kept"
    await asyncio.sleep(0.05)
    assert heard.empty()
    await listener.close()


async def test_a_stream_reads_through_a_cursor_with_parameters(runtime: Runtime) -> None:
    async with runtime.database.unit() as unit:
        rows = [row async for row in unit.stream("select g from generate_series(1, :n::int) g", prefetch=7, n=25)]
        assert [row["g"] for row in rows] == list(range(1, 26))
        again = [row async for row in unit.stream("select 1 as one")]
        assert len(again) == 1


async def test_streams_of_different_columns_follow_each_other_on_one_connection(runtime: Runtime) -> None:
    async with runtime.database.unit() as unit:
        for columns in ("g as a", "g as a, g * 2 as b, 'x' as c", "g as a"):
            rows = [row async for row in unit.stream(f"select {columns} from generate_series(1, 5) g", prefetch=2)]
            assert [len(row) for row in rows] == [columns.count(" as ")] * 5


async def test_a_stream_that_is_left_early_leaves_the_unit_usable(runtime: Runtime) -> None:
    async with runtime.database.unit() as unit:
        stream = unit.stream("select g from generate_series(1, 1000) g", prefetch=10)
        async for row in stream:
            if row["g"] == 3:
                break
        await stream.aclose()
        assert await unit.value("select 1") == 1


async def test_a_savepoint_undoes_only_what_happened_inside(runtime: Runtime) -> None:
    outer, inner = new_id().hex, new_id().hex
    async with runtime.database.unit() as unit:
        await unit.run(INSERT, key=outer)
        with pytest.raises(asyncpg.UniqueViolationError):
            async with unit.savepoint():
                await unit.run(INSERT, key=inner)
                await unit.run(INSERT, key=outer)
    async with runtime.database.unit() as unit:
        assert await unit.value(FIND, key=outer) == "x"
        assert await unit.value(FIND, key=inner) is None


async def test_many_rows_go_in_one_round_trip(runtime: Runtime) -> None:
    keys = [new_id().hex for _ in range(20)]
    async with runtime.database.unit() as unit:
        await unit.run_many(INSERT, [{"key": key} for key in keys])
        assert await unit.value("select count(*) from installation where key = any(:keys)", keys=keys) == 20


async def test_a_cancelled_request_gives_its_connection_back_clean(runtime: Runtime) -> None:
    async def work() -> None:
        async with runtime.database.unit() as unit:
            await unit.value("select pg_sleep(30)")

    task = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with runtime.database.unit() as unit:
        assert await unit.value("select 1") == 1


async def lose_inside(unit: Unit, runtime: Runtime) -> None:
    await lose_connection(runtime.database, unit)


async def lose_inside_a_savepoint(unit: Unit, runtime: Runtime) -> None:
    async with unit.savepoint():
        await lose_connection(runtime.database, unit)
        await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("lose", [lose_inside, lose_inside_a_savepoint])
async def test_a_cancellation_remains_one_when_the_connection_is_lost(
    runtime: Runtime, lose: Callable[[Unit, Runtime], Awaitable[None]]
) -> None:
    lost = asyncio.Event()

    async def work() -> None:
        async with runtime.database.unit() as unit:
            (await unit.connection()).add_termination_listener(lambda _: lost.set())
            await lose(unit, runtime)
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(work())
    async with asyncio.timeout(10):
        await lost.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with runtime.database.unit() as unit:
        assert await unit.value("select 1") == 1


async def test_an_error_remains_what_it_is_when_the_connection_is_lost(runtime: Runtime) -> None:
    with pytest.raises(RuntimeError, match="stop"):
        async with runtime.database.unit() as unit:
            await lose_connection(runtime.database, unit)
            raise RuntimeError("stop")


async def test_a_commit_by_a_lost_connection_fails_as_a_loss(runtime: Runtime) -> None:
    with pytest.raises(LOST):
        async with runtime.database.unit() as unit:
            await lose_connection(runtime.database, unit)


async def test_a_connection_that_has_had_its_last_words_counts_as_lost() -> None:
    def message(kind: bytes, body: bytes) -> bytes:
        return kind + (len(body) + 4).to_bytes(4, "big") + body

    async def let_in_and_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big") - 4)
        writer.write(
            message(b"R", bytes(4))
            + message(b"S", b"server_version\0" + b"18.0\0")
            + message(b"Z", b"I")
            + message(b"E", b"SFATAL\0" + b"C57P01\0" + b"Mthe server is going down\0\0")
        )
        await reader.read()
        writer.close()

    server = await asyncio.start_server(let_in_and_end, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server:
        connection = await asyncpg.connect(host=host, port=port, user="nobody", ssl=False, timeout=10)
        assert not connection.is_closed()
        with pytest.raises(LOST):
            await connection.execute("select 1", timeout=10)
        connection.terminate()
