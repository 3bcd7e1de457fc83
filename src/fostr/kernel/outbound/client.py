"""Fetch what a user's address leads to: checked, in bounded time, of bounded size, with nobody's cookies."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

import httpcore2
import httpx2

from fostr.kernel.outbound.addresses import PRIVATE_NETWORKS, AddressPolicy
from fostr.kernel.outbound.decoding import ACCEPTED, find_decoder
from fostr.kernel.outbound.errors import (
    AddressRefused,
    HeaderRefused,
    OutboundFailed,
    OutboundTimeout,
    RedirectRefused,
    ResponseTooLarge,
)
from fostr.kernel.outbound.network import GuardedNetwork, Resolver, SharedLookups, list_allowed, resolve

if TYPE_CHECKING:
    from collections.abc import Generator

    from fostr.settings import Settings

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_SECONDS: Final = 30.0
IDLE_SECONDS: Final = 10.0

_LAST_PORT: Final = 65535
_MOST_REDIRECTS: Final = 5
_REDIRECT_STATUSES: Final = frozenset({301, 302, 303, 307, 308})
_FRAMING_HEADERS: Final = frozenset(
    {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"}
)


class Redirects(Enum):
    """What to do when the other server answers with another address."""

    NONE = "none"
    SAME_HOST = "same_host"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer that was read to its end; `url` is where it came from in the end."""

    url: str
    status: int
    headers: httpx2.Headers
    content: bytes


@dataclass(slots=True)
class Answer:
    """An answer whose content is still to come."""

    url: str
    status: int
    headers: httpx2.Headers
    _source: AsyncIterable[bytes] = field(repr=False)
    _deadline: float | None
    _max_bytes: int

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the decoded content; raise ResponseTooLarge as soon as it is more than was asked for."""
        stated = self.headers.get("content-length", "")
        if stated.isdecimal() and int(stated) > self._max_bytes:
            raise ResponseTooLarge
        decode = find_decoder(self.headers.get("content-encoding", ""))
        received = decoded = 0
        source = aiter(self._source)
        while (chunk := await self._next(source)) is not None:
            received += len(chunk)
            for piece in decode(chunk):
                decoded += len(piece)
                if max(received, decoded) > self._max_bytes:
                    raise ResponseTooLarge
                yield piece

    async def beginning(self, most: int) -> AsyncIterator[bytes]:
        """Yield the decoded content up to so many bytes; the rest is not waited for.

        What unfolds into nothing is not read for ever, either: no more of it than of what is not packed.
        """
        decode = find_decoder(self.headers.get("content-encoding", ""))
        received, left = 0, most
        source = aiter(self._source)
        while received < most and (chunk := await self._next(source)) is not None:
            received += len(chunk)
            for piece in decode(chunk):
                yield piece[:left]
                left -= len(piece)
                if left <= 0:
                    return

    async def _next(self, source: AsyncIterator[bytes]) -> bytes | None:
        with _translated():
            async with asyncio.timeout_at(self._deadline):
                return await anext(source, None)


class Outbound:
    """A pool of connections to servers that users named. It keeps no cookies and reads no proxy settings."""

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        resolver: Resolver = resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Make a client; `open_outbound` is what the product uses.

        Args:
            policy: which addresses may be connected to.
            resolver: what finds the addresses of a name.
            ssl_context: which certificates are trusted; without it, those of the system.
        """
        self._policy = policy
        self._resolver = SharedLookups(resolver)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl_context or httpcore2.default_ssl_context(),
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
            network_backend=GuardedNetwork(policy, self._resolver),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def check_url(self, url: str) -> None:
        """Raise AddressRefused for an address that could not be fetched now, to say so where it is entered.

        This spares a person a surprise later; what protects is the check of every connection.
        """
        parsed = _read_url(url)
        port = parsed.port or _default_port(parsed)
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await list_allowed(parsed.raw_host.decode(), port, policy=self._policy, resolver=self._resolver)
        except TimeoutError:
            raise AddressRefused from None

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_bytes: int = MAX_BYTES,
        seconds: float = MAX_SECONDS,
        redirects: Redirects = Redirects.NONE,
    ) -> Fetched:
        """Send a request and return the whole answer, whatever its status.

        Raises:
            AddressRefused: the address, or one that it resolves to, may not be connected to.
            RedirectRefused: it led to another host, or on and on.
            HeaderRefused: a header that cannot be set.
            OutboundTimeout: not done within `seconds`, or nothing for 10 seconds.
            ResponseTooLarge: the content, packed or unpacked, has more than `max_bytes`.
            OutboundFailed: no connection, no trusted certificate, no proper HTTP.
        """
        async with self.stream(
            url,
            method=method,
            headers=headers,
            content=content,
            max_bytes=max_bytes,
            seconds=seconds,
            redirects=redirects,
        ) as answer:
            read = b"".join([chunk async for chunk in answer.chunks()])
            return Fetched(url=answer.url, status=answer.status, headers=answer.headers, content=read)

    @asynccontextmanager
    async def stream(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_bytes: int = MAX_BYTES,
        seconds: float | None = MAX_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
        redirects: Redirects = Redirects.NONE,
    ) -> AsyncGenerator[Answer]:
        """Send a request and hand over the answer as it comes in; it raises what `fetch` raises.

        `seconds` limits the whole, the reading included; None leaves `idle_seconds`, the longest silence.
        """
        request = _build(method, url, headers, content)
        deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
        response, source = await self._follow(
            request, deadline=deadline, idle_seconds=idle_seconds, redirects=redirects
        )
        try:
            yield Answer(
                url=str(source),
                status=response.status,
                headers=httpx2.Headers(response.headers),
                _source=response.aiter_stream(),
                _deadline=deadline,
                _max_bytes=max_bytes,
            )
        finally:
            await response.aclose()

    async def _follow(
        self, request: httpx2.Request, *, deadline: float | None, idle_seconds: float, redirects: Redirects
    ) -> tuple[httpcore2.Response, httpx2.URL]:
        for _ in range(_MOST_REDIRECTS + 1):
            response = await self._send(request, deadline=deadline, idle_seconds=idle_seconds)
            location = httpx2.Headers(response.headers).get("location")
            if redirects is Redirects.NONE or response.status not in _REDIRECT_STATUSES or location is None:
                return response, request.url
            await response.aclose()
            request = _redirect(request, response.status, location)
        raise RedirectRefused

    async def _send(
        self, request: httpx2.Request, *, deadline: float | None, idle_seconds: float
    ) -> httpcore2.Response:
        silence = dict.fromkeys(("connect", "read", "write", "pool"), idle_seconds)
        with _translated():
            async with asyncio.timeout_at(deadline):
                return await self._pool.handle_async_request(
                    httpcore2.Request(
                        method=request.method,
                        url=httpcore2.URL(
                            scheme=request.url.raw_scheme,
                            host=request.url.raw_host,
                            port=request.url.port,
                            target=request.url.raw_path,
                        ),
                        headers=request.headers.raw,
                        content=request.content,
                        extensions={"timeout": silence},
                    )
                )


def open_outbound(settings: Settings) -> Outbound:
    """Return the client that the settings describe; close it in the end."""
    networks = PRIVATE_NETWORKS if settings.allow_private_addresses else ()
    return Outbound(AddressPolicy(networks))


@contextmanager
def _translated() -> Generator[None]:
    """Turn the transport's many errors into ours, which say no more than they should."""
    try:
        yield
    except (httpcore2.TimeoutException, TimeoutError) as error:
        raise OutboundTimeout from error
    except (
        httpcore2.NetworkError,
        httpcore2.ProtocolError,
        httpcore2.UnsupportedProtocol,
        OSError,
    ) as error:
        raise OutboundFailed from error


def _read_url(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        raise AddressRefused from None
    # A name and password in an address would end up in logs; they belong into a header.
    if parsed.scheme not in {"http", "https"} or not parsed.raw_host or parsed.userinfo:
        raise AddressRefused
    if not 0 < (parsed.port or _default_port(parsed)) <= _LAST_PORT:
        raise AddressRefused
    return parsed


def _default_port(url: httpx2.URL) -> int:
    return 443 if url.scheme == "https" else 80


def _build(method: str, url: str, headers: Mapping[str, str] | None, content: bytes | None) -> httpx2.Request:
    sent = httpx2.Headers({"User-Agent": "Fostr", "Accept": "*/*"})
    for name, value in (headers or {}).items():
        if name.strip().lower() in _FRAMING_HEADERS or not (value.isascii() and value.isprintable()):
            raise HeaderRefused(header=name)
        sent[name] = value
    sent["Accept-Encoding"] = ACCEPTED
    return httpx2.Request(method, _read_url(url), headers=sent, content=content)


def _redirect(request: httpx2.Request, status: int, location: str) -> httpx2.Request:
    """Return the request to make next, or raise RedirectRefused: only the same host, and never out of TLS."""
    try:
        target = _read_url(str(request.url.join(location)))
    except (httpx2.InvalidURL, AddressRefused):
        raise RedirectRefused from None
    is_weaker = request.url.scheme == "https" and target.scheme == "http"
    if target.raw_host != request.url.raw_host or is_weaker:
        raise RedirectRefused
    becomes_get = status == 303 or (status in {301, 302} and request.method == "POST")
    kept = {name: value for name, value in request.headers.items() if name not in _FRAMING_HEADERS}
    if not becomes_get:
        return httpx2.Request(request.method, target, headers=kept, content=request.content)
    kept.pop("content-type", None)
    return httpx2.Request("HEAD" if request.method == "HEAD" else "GET", target, headers=kept)
