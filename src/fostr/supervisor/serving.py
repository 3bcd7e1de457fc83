"""The web server, which ends live streams when it is stopped, and notices when their clients vanish."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fostr.kernel.http.live import CONNECTION, GIVE_UP_AFTER

if TYPE_CHECKING:
    from fastapi import FastAPI

    from fostr.kernel.runtime import Runtime


class StreamingProtocol(HttpToolsProtocol):
    """uvicorn's own, which lets an answer say how long its client's machine may be silent."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: {GIVE_UP_AFTER: self._give_up_after}}

    def _give_up_after(self, seconds: float) -> None:
        # Linux has it; elsewhere the system's patience is what there is.
        option = getattr(socket, "TCP_USER_TIMEOUT", None)
        if option is None or self.transport.is_closing():
            return
        own: socket.socket = self.transport.get_extra_info("socket")
        if own.family in (socket.AF_INET, socket.AF_INET6):
            own.setsockopt(socket.IPPROTO_TCP, option, int(1000 * seconds))


class StreamingServer(uvicorn.Server):
    """uvicorn waits for requests that are being answered, and tells the application only then that it ends.

    Streams do not end by themselves: without this, each stop would last as long as it may, and cut them off.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        """Make a server of an application."""
        config.http = StreamingProtocol
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then stop like any uvicorn."""
        runtime: Runtime | None = self._app.state.runtime
        if runtime is not None:
            await runtime.hub.close()
        await super().shutdown(sockets)
