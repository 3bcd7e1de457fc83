"""Connections to checked addresses: resolve once, judge all that came back, connect to what was judged."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from typing import Any, Final, TypeAlias, cast

import httpcore2

from fostr.kernel.outbound.addresses import Address, AddressPolicy, is_numeric, read_address
from fostr.kernel.outbound.errors import AddressRefused

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]

# A name with many addresses, none of which answers, would keep a caller for as long as it pleases.
_MOST_TRIED: Final = 4


_LOOKUPS: Final = ThreadPoolExecutor(max_workers=32, thread_name_prefix="names")
"""A name server that never answers keeps a thread for as long as the system's resolver is patient. The event loop has
four for everybody; these are more than a worker asks for at a time, so that no name has to wait for another."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return every address that the system's resolver knows for a name."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_LOOKUPS, look_up)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class SharedLookups:
    """A resolver that asks for each name once at a time: who comes meanwhile waits for the same answer."""

    def __init__(self, resolver: Resolver) -> None:
        """Begin with none under way."""
        self._resolver = resolver
        self._under_way: dict[tuple[str, int], asyncio.Future[Sequence[str]]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return every address of a name."""
        asked = (host, port)
        lookup = self._under_way.get(asked)
        if lookup is None:
            lookup = self._under_way[asked] = asyncio.ensure_future(self._resolver(host, port))
            lookup.add_done_callback(partial(self._end, asked))
        # Whoever gives up leaves the answer to the others.
        return await asyncio.shield(lookup)

    def _end(self, asked: tuple[str, int], lookup: asyncio.Future[Sequence[str]]) -> None:
        del self._under_way[asked]
        if not lookup.cancelled():
            # It is told to those who wait; where nobody does any more, it is nobody's.
            lookup.exception()


async def list_allowed(host: str, port: int, *, policy: AddressPolicy, resolver: Resolver) -> Sequence[Address]:
    """Return all addresses of a host, or raise AddressRefused unless every single one is allowed.

    One private address among public ones is enough to refuse: which of them is connected to would be chance.
    """
    addresses = await _list_addresses(host, port, resolver)
    if not addresses or not all(policy.allows(address) for address in addresses):
        raise AddressRefused
    return addresses


async def _list_addresses(host: str, port: int, resolver: Resolver) -> Sequence[Address]:
    literal = read_address(host)
    if literal is not None:
        return [literal]
    if is_numeric(host):
        raise AddressRefused
    try:
        found = await resolver(host, port)
    except (OSError, UnicodeError):
        # A name that does not exist is refused like one that leads inside, or the two could be told apart.
        raise AddressRefused from None
    return [ip_address(text) for text in found]


class _PlainStream(httpcore2.AsyncNetworkStream):
    """A connection that is closed when its encryption is given up on, by whomever.

    The library closes it when the handshake fails or takes too long by its own count; where the caller's deadline ends
    it first, the socket would stay open until the garbage collector comes upon it.
    """

    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore2's signature
        """Return what has come."""
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore2's signature
        """Send bytes."""
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's signature
    ) -> httpcore2.AsyncNetworkStream:
        """Encrypt the connection, or close it."""
        try:
            return await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._inner.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        """Return what is known of the connection."""
        return self._inner.get_extra_info(info)


class GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """What the connection pool opens sockets by: there is no way around the check, and no second look-up."""

    def __init__(self, policy: AddressPolicy, resolver: Resolver) -> None:
        self._policy = policy
        self._resolver = resolver
        # Its type is one of two to a checker: httpcore2 has another when anyio is not installed.
        self._sockets = cast(httpcore2.AsyncNetworkBackend, httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first checked address that answers."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await list_allowed(host, port, policy=self._policy, resolver=self._resolver)
                return await self._connect_any(addresses[:_MOST_TRIED], port, local_address, socket_options)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout from error

    async def sleep(self, seconds: float) -> None:
        """Wait, as the pool does between retries."""
        await asyncio.sleep(seconds)

    async def _connect_any(
        self,
        addresses: Sequence[Address],
        port: int,
        local_address: str | None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None,
    ) -> httpcore2.AsyncNetworkStream:
        failure: httpcore2.ConnectError | None = None
        for address in addresses:
            try:
                stream = await self._sockets.connect_tcp(
                    str(address), port, local_address=local_address, socket_options=socket_options
                )
                return _PlainStream(stream)
            except httpcore2.ConnectError as error:
                failure = error
        raise failure or httpcore2.ConnectError
