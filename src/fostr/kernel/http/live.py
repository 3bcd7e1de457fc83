"""Answers that tell what happens for as long as the client listens; what they tell comes from the hub."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from anyio import CancelScope
from starlette.responses import Response

from fostr.kernel.http.streams import STREAM_HEADERS

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from fostr.kernel.events.followers import Follower
    from fostr.kernel.runtime import Runtime

CONNECTION: Final = "fostr.connection"
GIVE_UP_AFTER: Final = "give_up_after"
"""The extension of ASGI by which our server lets a connection be given up once the client's machine has not answered
for some seconds; other servers have none."""

GONE_SECONDS: Final = 45.0
"""How long what was sent may go without an answer of the client's machine: three heartbeats."""


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
        # What was set for the connection must not hold for whatever else would come by it.
        self.init_headers({**STREAM_HEADERS, "Connection": "close"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the follower was ended, or the client goes."""
        hub, follower = self._runtime.hub, self._follower
        _notice_loss(scope)
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


def _notice_loss(scope: Scope) -> None:
    """Have the connection break soon after the client's machine vanished without a word.

    Left to itself the system sends on for a quarter of an hour, and a phone that changes networks now and then has by
    then more dead streams than one person may have. Other answers keep that patience: a paused download is no loss.
    """
    connection = scope.get("extensions", {}).get(CONNECTION)
    if connection is not None:
        connection[GIVE_UP_AFTER](GONE_SECONDS)
