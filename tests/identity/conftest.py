"""Clients that are strangers to each other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import TypeAlias

import httpx2
import pytest
from fastapi import FastAPI

from tests.support.client import BASE, Client, new_host

Visit: TypeAlias = Callable[..., Client]


@pytest.fixture
async def visit(app: FastAPI, client: Client) -> AsyncIterator[Visit]:
    """Return a function that makes a client with a cookie jar and, unless told, an address of its own."""
    async with AsyncExitStack() as stack:
        opened: list[httpx2.AsyncClient] = []

        def make(address: str | None = None) -> Client:
            transport = httpx2.ASGITransport(app=app, client=(address, 40000) if address else new_host())
            opened.append(httpx2.AsyncClient(transport=transport, base_url=BASE))
            stack.push_async_callback(opened[-1].aclose)
            return Client(opened[-1], client.checker, {})

        yield make


@pytest.fixture
def browser(visit: Visit) -> Client:
    """A client that keeps its cookies."""
    return visit()


@pytest.fixture
def other(visit: Visit) -> Client:
    """A second client, elsewhere."""
    return visit()
