"""The unit of work: one transaction, begun when the first statement needs it, bound to one workspace."""

from __future__ import annotations

import hashlib
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

import asyncpg

from fostr.kernel.db.copying import copy_lines
from fostr.kernel.db.sql import translate

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
    from uuid import UUID

    from asyncpg.pool import Pool

Action: TypeAlias = "Callable[[], Awaitable[None]]"
Observer: TypeAlias = "Callable[[str, UUID | None], None]"
Notify: TypeAlias = "Callable[[str, str], Awaitable[None]]"

LOST: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # Between PostgreSQL's last words and the end of the connection.
    asyncpg.InternalClientError,
)
"""What a broken connection raises, one way or another."""

PLAN_FOR_VALUES: Final = "set local plan_cache_mode = force_custom_plan"

_observers: list[Observer] = []


def observe_statements(observer: Observer) -> Callable[[], None]:
    """Show every statement, before it runs, to `observer(text, workspace)`; return a function that ends it.

    The tests use it to refuse statements that leave a workspace table unnamed, and to count queries.
    """
    _observers.append(observer)
    return lambda: _observers.remove(observer)


class Unit:
    """A lazily begun transaction.

    The workspace is set in the same message that begins the transaction, and only for that transaction, so
    it costs no round trip and cannot outlive it. A unit without a workspace sees every workspace table empty.
    """

    __slots__ = (
        "_begun",
        "_connection",
        "_deferred",
        "_entered",
        "_for_values",
        "_notices",
        "_notify",
        "_pool",
        "workspace",
    )

    def __init__(
        self, pool: Pool[asyncpg.Record], workspace: UUID | None = None, *, notify: Notify | None = None
    ) -> None:
        """Bind a unit to a pool; nothing is sent before the first statement.

        Args:
            pool: where its connection comes from.
            workspace: the one that it is bound to.
            notify: sends a notice after the commit, where listeners do not hear those of the database itself.
        """
        self.workspace = workspace
        self._pool = pool
        self._notify = notify
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._begun = False
        self._entered: UUID | None = None
        self._for_values = False
        self._deferred: list[Action] = []
        self._notices: dict[tuple[str, str], None] = {}

    def enter_workspace(self, workspace: UUID) -> None:
        """Bind the unit to a workspace, once.

        Mostly that is before its transaction begins. A transaction that makes a workspace enters it half way.

        Raises:
            RuntimeError: another workspace is bound.
        """
        if self.workspace not in (None, workspace):
            message = "a unit of work is bound to one workspace"
            raise RuntimeError(message)
        self.workspace = workspace

    async def acquire(self) -> asyncpg.Connection[asyncpg.Record]:
        """Return the unit's connection without beginning its transaction."""
        if self._connection is None:
            self._connection = await self._pool.acquire()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        return self._connection  # pyright: ignore[reportReturnType]

    async def connection(self) -> asyncpg.Connection[asyncpg.Record]:
        """Return the unit's connection inside its transaction, for what the other methods do not offer."""
        connection = await self.acquire()
        if not self._begun:
            # Before it is sent: when we are cancelled in between, there may be something to roll back.
            self._begun = True
            await connection.execute(self._begin())
        elif self._entered != self.workspace:
            await connection.execute(f"set local fostr.workspace = '{self.workspace}'")
        self._entered = self.workspace
        return connection

    def _begin(self) -> str:
        text = "begin"
        if self.workspace is not None:
            # A UUID prints as hexadecimal digits and dashes only, so it is safe inside the text.
            text += f"; set local fostr.workspace = '{self.workspace}'"
        return f"{text}; {PLAN_FOR_VALUES}" if self._for_values else text

    @property
    def is_begun(self) -> bool:
        """Whether the transaction has begun, and may have written."""
        return self._begun

    async def plan_for_values(self) -> None:
        """Have the transaction's following statements planned for the values that they are run with.

        A plan that is good for a frequent value walks the whole table in search of a rare one, and a prepared
        statement would keep to one plan for both.
        """
        if self._begun and not self._for_values:
            await (await self.connection()).execute(PLAN_FOR_VALUES)
        self._for_values = True

    async def look_up(self, statement: str, /, **params: Any) -> asyncpg.Record | None:
        """Run one reading statement on the unit's connection before its transaction begins.

        Guards use it: who is calling must be known before the workspace can be bound.
        """
        connection = await self.acquire()
        return await connection.fetchrow(*self._prepare(statement, params))

    async def rows(self, statement: str, /, **params: Any) -> list[asyncpg.Record]:
        """Run a statement and return its rows."""
        connection = await self.connection()
        return await connection.fetch(*self._prepare(statement, params))

    async def row(self, statement: str, /, **params: Any) -> asyncpg.Record | None:
        """Run a statement and return its first row."""
        connection = await self.connection()
        return await connection.fetchrow(*self._prepare(statement, params))

    async def value(self, statement: str, /, **params: Any) -> Any:
        """Run a statement and return the first column of its first row."""
        connection = await self.connection()
        return await connection.fetchval(*self._prepare(statement, params))

    async def run(self, statement: str, /, **params: Any) -> int:
        """Run a statement and return how many rows it touched."""
        connection = await self.connection()
        status = await connection.execute(*self._prepare(statement, params))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def run_many(self, statement: str, /, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each row of parameters, in one round trip."""
        connection = await self.connection()
        translated = translate(statement)
        _show(translated.text, self.workspace)
        bound = {"workspace": self.workspace}
        await connection.executemany(translated.text, [translated.arguments({**bound, **row}) for row in rows])

    async def stream(
        self,
        statement: str,
        /,
        *,
        prefetch: int = 1000,
        **params: Any,
    ) -> AsyncGenerator[asyncpg.Record]:
        """Run a statement through a server-side cursor and yield its rows, `prefetch` at a time."""
        connection = await self.connection()
        text, *arguments = self._prepare(statement, params)
        # asyncpg refuses cursors outside a transaction of its own making, so ours is declared by hand.
        # Closed by hand, because a generator that is left early would close the inner one at some later time.
        async with aclosing(_cursor(connection, text, arguments, prefetch)) as records:
            async for record in records:
                yield record

    async def copy_lines(self, statement: str, /, **params: Any) -> AsyncGenerator[bytes]:
        """Run a statement of one column of text and yield its rows as lines of bytes, many at once.

        The texts hold no control characters, as JSON never does. Twice as quick as `stream`, which makes an object of
        each row.
        """
        connection = await self.connection()
        text, *arguments = self._prepare(statement, params)
        async with aclosing(copy_lines(connection, text, arguments)) as packets:
            async for packet in packets:
                yield packet

    def _prepare(self, statement: str, params: dict[str, Any]) -> list[Any]:
        translated = translate(statement)
        _show(translated.text, self.workspace)
        params.setdefault("workspace", self.workspace)
        return [translated.text, *translated.arguments(params)]

    def after_commit(self, action: Action) -> None:
        """Run `action` once the transaction has been committed; never when it was rolled back."""
        self._deferred.append(action)

    def notify(self, channel: str, payload: str) -> None:
        """Send a notice to listeners of `channel` when the transaction commits; twins are sent once."""
        if self._notify is None:
            self._notices[channel, payload] = None
        else:
            self.after_commit(partial(self._notify, channel, payload))

    async def commit(self) -> None:
        """Commit what was begun, give the connection back, then run what waited for the commit."""
        deferred, self._deferred = self._deferred, []
        try:
            if self._begun and self._connection is not None:
                if self._notices:
                    await self._send_notices(self._connection)
                _check_committed(await self._connection.execute("commit"))
        except BaseException:
            await self._abandon()
            raise
        await self._release()
        for action in deferred:
            await action()

    async def _send_notices(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        channels, payloads = zip(*self._notices, strict=True)
        await connection.execute(
            "select pg_notify(c, p) from unnest($1::text[], $2::text[]) as n (c, p)",
            list(channels),
            list(payloads),
        )
        self._notices.clear()

    async def rollback(self) -> None:
        """Undo what was begun and give the connection back.

        The loss of the connection undoes it as well, and is not raised: it would replace what the rollback is for. A
        task whose cancellation was replaced would go on for ever.
        """
        self._deferred.clear()
        self._notices.clear()
        try:
            if self._begun and self._connection is not None:
                await self._connection.execute("rollback")
            await self._release()
        except LOST:
            await self._abandon()
        except BaseException:
            await self._abandon()
            raise

    async def _abandon(self) -> None:
        # The state of the transaction is unknown: the connection must not go back to the pool as it is.
        if self._connection is not None:
            # The pool has taken back a connection that was lost, and complains.
            with suppress(asyncpg.InterfaceError):
                self._connection.terminate()
        self._deferred.clear()
        await self._release()

    async def _release(self) -> None:
        connection, self._connection, self._begun = self._connection, None, False
        if connection is not None:
            await self._pool.release(connection)  # pyright: ignore[reportArgumentType, reportUnknownMemberType]

    async def __aenter__(self) -> Self:
        """Enter the unit; nothing is sent yet."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Commit, or roll back when an exception passes."""
        if kind is None:
            await self.commit()
        else:
            await self.rollback()

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """Undo only what happens inside when an exception passes; the exception goes on."""
        connection = await self.connection()
        await connection.execute("savepoint inner_work")
        try:
            yield
        except BaseException:
            with suppress(*LOST):
                await connection.execute("rollback to savepoint inner_work")
            raise
        await connection.execute("release savepoint inner_work")


def _show(text: str, workspace: UUID | None) -> None:
    for observer in _observers:
        observer(text, workspace)


async def _cursor(
    connection: asyncpg.Connection[asyncpg.Record],
    text: str,
    arguments: list[Any],
    prefetch: int,
) -> AsyncGenerator[asyncpg.Record]:
    # Named after the statement: asyncpg keeps the prepared `fetch` of a name together with the columns it once had.
    name = f"stream_{hashlib.sha256(text.encode()).hexdigest()[:24]}"
    statement = await connection.prepare(f"declare {name} no scroll cursor for {text}")
    await statement.fetch(*arguments)
    try:
        while batch := await connection.fetch(f"fetch {prefetch} from {name}"):
            for record in batch:
                yield record
    finally:
        # In a failed transaction, or on a closed connection, the cursor is gone already.
        with suppress(*LOST):
            await connection.execute(f"close {name}")


def _check_committed(answer: str) -> None:
    """Refuse to take for done what PostgreSQL rolled back, because a statement had failed and nobody was told."""
    if answer != "COMMIT":
        raise asyncpg.InFailedSQLTransactionError("nothing was committed: a statement had failed before")
