"""A server on a real socket, in a thread with a loop of its own, for what only a socket can show."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import uvicorn

from fostr.app import create_app
from fostr.kernel.runtime import Runtime, open_runtime
from fostr.supervisor.serving import StreamingServer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from fostr.settings import Settings

Result = TypeVar("Result")


class LiveServer:
    """A running server: its address, and a way to do things on its loop."""

    def __init__(self, settings: Settings, database_url: str, *, send_buffer: int | None = None) -> None:
        """Describe a server; `run` starts it.

        Args:
            settings: of the application.
            database_url: the application's login.
            send_buffer: bytes that the operating system keeps for a client which does not read; its own choice is
                megabytes.
        """
        self._send_buffer = send_buffer
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

    def read_option(self, option: int) -> list[int]:
        """Return what an option of TCP is set to for each open connection."""
        assert self._server is not None
        sockets = [one.transport.get_extra_info("socket") for one in self._server.server_state.connections]
        return [one.getsockopt(socket.IPPROTO_TCP, option) for one in sockets]

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with open_runtime(self._settings, database_url=self._database_url) as runtime:
            self._runtime = runtime
            # Its routes are made as they are asked for: all of them take longer than most tests need.
            app = create_app(self._settings, runtime=runtime, lazily=True)
            config = uvicorn.Config(app, log_level="critical")
            self._server = StreamingServer(config, app)
            serving = asyncio.create_task(self._server.serve([self._listen()]))
            while not self._server.started:  # noqa: ASYNC110 - uvicorn tells by this flag and in no other way
                await asyncio.sleep(0.01)
            self._ready.set()
            await serving

    def _listen(self) -> socket.socket:
        listener = socket.socket()
        if self._send_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer)
        listener.bind(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        return listener

    @contextmanager
    def run(self) -> Generator[LiveServer]:
        """Serve until the block ends."""
        thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        thread.start()
        assert self._ready.wait(120), "the server did not start"
        try:
            yield self
        finally:
            assert self._server is not None
            self._server.should_exit = True
            thread.join(30)
