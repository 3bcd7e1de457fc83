"""Answers that are worked out once the request's transaction has ended: for what asks another server meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic import BaseModel
    from starlette.types import Receive, Scope, Send


class LateAnswer(StreamingResponse):
    """A JSON answer that `work` returns after the commit at the edge.

    While it works, neither a transaction nor a connection of the request is held; what it writes, it writes in units of
    its own. Nothing has been sent yet, so what it raises becomes a refusal like any other. An `Idempotency-Key` does
    not keep such an answer.
    """

    def __init__(self, work: Callable[[], Awaitable[BaseModel]]) -> None:
        """Answer with what `work` returns."""
        super().__init__((), media_type="application/json")
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Work, then answer."""
        body = (await self._work()).model_dump_json()
        await Response(body, media_type="application/json")(scope, receive, send)
