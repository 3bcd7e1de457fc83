"""A real Redis server on a port of this machine, where one is installed."""

from __future__ import annotations

import asyncio
import shutil
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NotYet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

PROGRAM: Final = shutil.which("redis-server") or shutil.which("valkey-server")


class RealRedis:
    """A server that keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = _find_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[RealRedis]:
        """Start it, and stop it in the end."""
        assert PROGRAM is not None
        options = ("--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        process = await asyncio.create_subprocess_exec(
            PROGRAM, *options, cwd=self._folder, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            await self._wait()
            yield self
        finally:
            process.terminate()
            await process.wait()

    async def drop_everybody(self) -> None:
        """Break every connection."""
        for kind in ("normal", "pubsub"):
            await self._ask("CLIENT", "KILL", "TYPE", kind)

    async def count_readers(self, channel: str) -> int:
        """Return how many connections listen to a channel."""
        return cast("list[int]", await self._ask("PUBSUB", "NUMSUB", channel))[1]

    async def _ask(self, *command: str) -> Any:
        async with Redis.from_url(self.url) as client:  # pyright: ignore[reportUnknownMemberType]
            # Without types of its own.
            execute: Any = client.execute_command  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            return await execute(*command)

    async def _wait(self) -> None:
        async with asyncio.timeout(20):
            while True:
                try:
                    return await self._ask("PING")
                except NotYet:
                    await asyncio.sleep(0.02)


def _find_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
