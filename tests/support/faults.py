"""Faults by a seed: connections that end, replies that are lost and processes that die, before or after any statement.

`FaultyDatabase` is a database on whose units of work they happen. What runs on it is the program as it is.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncpg

from fostr.kernel.db.database import Database
from fostr.kernel.db.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID


class Killed(BaseException):
    """The process ends here. No `except Exception` sees it, as none sees a SIGKILL."""


@dataclass
class Faults:
    """Decides where what goes wrong.

    Attributes:
        seed: the same one decides the same, as far as the steps come in the same order.
        rate: of the places where something can go wrong, the share in which it does.
        struck: what has gone wrong so far, by its kind.
    """

    seed: int
    rate: float
    struck: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        """Begin the sequence of decisions."""
        self._random = random.Random(self.seed)  # noqa: S311 - chance by a seed, not a secret

    def stop(self) -> None:
        """Let everything go well from here on."""
        self.rate = 0.0

    def choose(self, *kinds: str) -> str | None:
        """Return what goes wrong here, or None."""
        if self._random.random() >= self.rate:
            return None
        kind = self._random.choice(kinds)
        self.struck[kind] = self.struck.get(kind, 0) + 1
        return kind


class FaultyDatabase(Database):
    """A database whose units of work meet faults."""

    def __init__(self, sound: Database, pool: Database, faults: Faults) -> None:
        """Work on the connections of `pool`; those of `sound` end them."""
        super().__init__(pool.pool, pool.url)
        self._sound = sound
        self._faults = faults

    def unit(self, workspace: UUID | None = None) -> Unit:
        """Return a unit of work that may fail at any step."""
        return FaultyUnit(self, workspace)

    async def strike(self, connection: asyncpg.Connection[asyncpg.Record], *kinds: str) -> None:
        """Let something go wrong, or not."""
        match self._faults.choose(*kinds):
            case "terminate":
                async with self._sound.unit() as unit:
                    await unit.value("select pg_terminate_backend(:pid)", pid=connection.get_server_pid())
            case "lose":
                connection.terminate()
                raise asyncpg.ConnectionDoesNotExistError("the reply was lost")
            case "kill":
                connection.terminate()
                raise Killed
            case _:
                pass

    def strike_silently(self) -> None:
        """Let the news of a commit be lost, or not."""
        match self._faults.choose("silence", "death"):
            case "silence":
                raise asyncpg.ConnectionDoesNotExistError("it was committed, and nobody was told")
            case "death":
                raise Killed
            case _:
                pass


class FaultyUnit(Unit):
    """A unit of work that may fail before and after each of its statements, and its commit."""

    __slots__ = ("_database",)

    def __init__(self, database: FaultyDatabase, workspace: UUID | None) -> None:
        """Bind it to its database."""
        super().__init__(database.pool, workspace)
        self._database = database

    async def rows(self, statement: str, /, **params: Any) -> list[asyncpg.Record]:
        """Run a statement."""
        await self._strike()
        found = await super().rows(statement, **params)
        await self._strike()
        return found

    async def row(self, statement: str, /, **params: Any) -> asyncpg.Record | None:
        """Run a statement."""
        await self._strike()
        found = await super().row(statement, **params)
        await self._strike()
        return found

    async def value(self, statement: str, /, **params: Any) -> Any:
        """Run a statement."""
        await self._strike()
        found = await super().value(statement, **params)
        await self._strike()
        return found

    async def run(self, statement: str, /, **params: Any) -> int:
        """Run a statement."""
        await self._strike()
        count = await super().run(statement, **params)
        await self._strike()
        return count

    async def run_many(self, statement: str, /, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement many times."""
        await self._strike()
        await super().run_many(statement, rows)
        await self._strike()

    async def commit(self) -> None:
        """Commit, unless something goes wrong before; afterwards, the news of it may be lost."""
        if not self.is_begun:
            await super().commit()
            return
        connection = await self.connection()
        try:
            await self._database.strike(connection, "terminate", "lose", "kill")
        except BaseException:
            await self.rollback()
            raise
        await super().commit()
        # The connection is the pool's again, and lives on; only nobody hears of the commit.
        self._database.strike_silently()

    async def _strike(self) -> None:
        await self._database.strike(await self.connection(), "terminate", "lose", "kill")
