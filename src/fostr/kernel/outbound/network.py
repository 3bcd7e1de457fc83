"""Connections to checked addresses: resolve once, judge all that came back, connect to what was judged."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Final, TypeAlias, cast

import httpcore2

from fostr.kernel.outbound.addresses import Address, AddressPolicy, is_numeric, read_address
from fostr.kernel.outbound.errors import AddressRefused

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]

# A name with many addresses, none of which answers, would keep a caller for as long as it pleases.
_MOST_TRIED: Final = 4


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return every address that the system's resolver knows for a name."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


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
                return await self._sockets.connect_tcp(
                    str(address), port, local_address=local_address, socket_options=socket_options
                )
            except httpcore2.ConnectError as error:
                failure = error
        raise failure or httpcore2.ConnectError
