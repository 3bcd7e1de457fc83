"""What happens around every request: its id, its size limit, the headers of safety, one line in the log."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.exceptions import HTTPException

from fostr.kernel.http.guards import CALLER_KEY
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from fostr.kernel.auth.lookup import Caller

log = structlog.get_logger("fostr.request")

REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9_-]{8,64}")
LOGGED_PATH: Final = "fostr.logged_path"
"""Under this name a request's scope holds what the log shows as its path, where the path itself is a secret."""
QUIET: Final = frozenset({"/health", "/api/v1/health", "/api/v1/ready"})
SECURITY_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
API_POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
NO_STORE: Final = (b"cache-control", b"no-store")


LINGER_SECONDS: Final = 10.0
LINGER_BYTES: Final = 64 * 1024 * 1024
"""How long, and how much of it, a body that is refused for its size is taken and thrown away. Many clients read the
answer only when they have sent everything; were the connection closed before, the system would take the answer back."""

FRAMED: Final = "/api/v1/files/signed/"
FRAMED_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'self'; sandbox"),
    (b"cache-control", b"private"),
)
"""Files may be shown inside our own pages, and nothing in them may run."""


class BodyTooLarge(HTTPException):
    """The body went past its limit while it was read.

    It is an `HTTPException` because FastAPI turns any other exception of reading a body into a 400.
    """

    def __init__(self) -> None:
        """Refuse with 413."""
        super().__init__(status_code=413)


class RequestMiddleware:
    """Plain ASGI, because Starlette's convenient middleware costs a task and two queues a request."""

    def __init__(self, app: ASGIApp, *, max_json_bytes: int, max_upload_bytes: int) -> None:
        """Wrap an application.

        Args:
            app: what answers.
            max_json_bytes: the most bytes of a body that is not a file.
            max_upload_bytes: the most bytes of a form with files, or of a signed upload.
        """
        self.app = app
        self.max_json_bytes = max_json_bytes
        self.max_upload_bytes = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, limit=self._limit(scope))
        if exchange.is_declared_too_large():
            await exchange.refuse_size()
            return
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except BodyTooLarge:
            await exchange.refuse_size()
        finally:
            exchange.write_log()

    def _limit(self, scope: Scope) -> int:
        content_type = _header(scope, b"content-type") or b""
        is_upload = content_type.startswith(b"multipart/") or "/files/" in scope["path"]
        return self.max_upload_bytes if is_upload else self.max_json_bytes


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, limit: int) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self._limit = limit
        self._received = 0
        self._is_received = False
        self._is_refused = False
        self._status = 0
        self._started = time.perf_counter()
        given = _header(scope, b"x-request-id")
        self.request_id = given.decode() if given and REQUEST_ID.fullmatch(given) else new_id().hex
        scope["fostr.request_id"] = self.request_id
        structlog.contextvars.bind_contextvars(request_id=self.request_id)

    def is_declared_too_large(self) -> bool:
        length = _header(self.scope, b"content-length")
        return length is not None and length.isdigit() and int(length) > self._limit

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            self._is_received = not message.get("more_body", False)
            if self._received > self._limit:
                self._is_refused = True
                raise BodyTooLarge
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
            present = {name.lower() for name, _ in headers}
            headers.append((b"x-request-id", self.request_id.encode()))
            headers.extend(header for header in self._safety() if header[0] not in present)
            if self._is_refused:
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        elif self._is_refused and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body"}
        await self._send(message)

    def _safety(self) -> tuple[tuple[bytes, bytes], ...]:
        path = self.scope["path"]
        if path.startswith(FRAMED):
            return FRAMED_HEADERS
        return (*SECURITY_HEADERS, API_POLICY, NO_STORE) if path.startswith("/api/") else SECURITY_HEADERS

    async def refuse_size(self) -> None:
        if self._status:
            return
        self._is_refused = True
        body = (
            b'{"detail":"The body is larger than allowed.","code":"body_too_large","request_id":"'
            + self.request_id.encode()
            + b'","limit_bytes":'
            + str(self._limit).encode()
            + b"}"
        )
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await self.send({"type": "http.response.start", "status": 413, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def _linger(self) -> None:
        """Take what is still sent of a body that is refused, for a while."""
        # Who asked whether to send it at all has got the answer, and sends nothing.
        if self._is_received or _header(self.scope, b"expect") is not None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                await self._discard()

    async def _discard(self) -> None:
        left = LINGER_BYTES
        while left > 0 and (message := await self._receive())["type"] == "http.request" and message.get("more_body"):
            left -= len(message.get("body", b""))

    def write_log(self) -> None:
        path = self.scope["path"]
        if path not in QUIET:
            log.info("request", **self._facts(self.scope.get(LOGGED_PATH, path)))
        structlog.contextvars.clear_contextvars()

    def _facts(self, path: str) -> dict[str, Any]:
        # The query is left out: signed addresses and searches do not belong in a log.
        facts: dict[str, Any] = {
            "method": self.scope["method"],
            "path": path,
            "status": self._status or 499,
            "ms": round((time.perf_counter() - self._started) * 1000, 2),
        }
        caller: Caller | None = self.scope.get(CALLER_KEY)
        if caller is not None:
            facts["user_id"] = str(caller.principal.user_id)
            facts["credential"] = caller.principal.kind
            if caller.access is not None:
                facts["workspace_id"] = str(caller.access.workspace_id)
        return facts


def _header(scope: Scope, name: bytes) -> bytes | None:
    for key, value in scope["headers"]:
        if key == name:
            return value
    return None
