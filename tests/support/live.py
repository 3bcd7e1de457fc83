"""A server on a real socket, in a thread with a loop of its own, for what only a socket can show."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import uvicorn

from fostr.app import create_app
from fostr.kernel.runtime import Runtime, open_runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from fostr.settings import Settings

Result = TypeVar("Result")


class LiveServer:
    """A running server: its address, and a way to do things on its loop."""

    def __init__(self, settings: Settings, database_url: str) -> None:
        """Describe a server; `run` starts it."""
        self._settings = settings
        self._database_url = database_url
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None
        self._runtime: Runtime | None = None
        self.address = ""

    def call(self, work: Callable[[Runtime], Coroutine[Any, Any, Result]]) -> Result:
        """Do something with the server's open parts, on its loop, and return what came of it."""
        assert self._loop is not None
        assert self._runtime is not None
        return asyncio.run_coroutine_threadsafe(work(self._runtime), self._loop).result(60)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with open_runtime(self._settings, database_url=self._database_url) as runtime:
            self._runtime = runtime
            app = create_app(self._settings, runtime=runtime)
            self._server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical"))
            serving = asyncio.create_task(self._server.serve())
            while not self._server.started:  # noqa: ASYNC110 - uvicorn tells by this flag and in no other way
                await asyncio.sleep(0.01)
            port = self._server.servers[0].sockets[0].getsockname()[1]
            self.address = f"http://127.0.0.1:{port}"
            self._ready.set()
            await serving

    @contextmanager
    def run(self) -> Generator[LiveServer]:
        """Serve until the block ends."""
        thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        thread.start()
        assert self._ready.wait(30), "the server did not start"
        try:
            yield self
        finally:
            assert self._server is not None
            self._server.should_exit = True
            thread.join(30)
