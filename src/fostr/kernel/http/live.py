"""Answers that tell what happens for as long as the client listens; what they tell comes from the hub."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from anyio import CancelScope
from starlette.responses import Response

from fostr.kernel.http.streams import STREAM_HEADERS

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from fostr.kernel.events.followers import Follower
    from fostr.kernel.runtime import Runtime


class LiveStream(Response):
    """Server-sent events of a follower.

    Starlette's own streaming answer makes three tasks and a generator for each; with a thousand of them open, those
    are most of what they cost. This one has the request's task, and one that waits for the client to go.
    """

    media_type = "text/event-stream"

    def __init__(self, runtime: Runtime, follower: Follower) -> None:
        """Answer with what a follower is told."""
        self.status_code = 200
        self.background = None
        self._runtime = runtime
        self._follower = follower
        self.init_headers(STREAM_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Send until the follower was ended, or the client goes."""
        hub, follower = self._runtime.hub, self._follower
        watching = asyncio.create_task(self._watch(receive))
        try:
            with CancelScope() as sending:
                follower.on_cut(sending.cancel)
                hub.enter(self._runtime, follower)
                await self._send(send)
        finally:
            watching.cancel()
            hub.leave(follower)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while (chunk := await self._follower.take()) is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._follower.leave()
