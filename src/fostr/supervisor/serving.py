"""The web server, which ends live streams when it is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI

    from fostr.kernel.runtime import Runtime


class StreamingServer(uvicorn.Server):
    """uvicorn waits for requests that are being answered, and tells the application only then that it ends.

    Streams do not end by themselves: without this, each stop would last as long as it may, and cut them off.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        """Make a server of an application."""
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then stop like any uvicorn."""
        runtime: Runtime | None = self._app.state.runtime
        if runtime is not None:
            await runtime.hub.close()
        await super().shutdown(sockets)
