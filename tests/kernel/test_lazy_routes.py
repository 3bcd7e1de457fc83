"""Routes that are made when they are first needed answer like those that are made at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2
import pytest
from fastapi.routing import APIRoute

from fostr.app import create_app
from fostr.kernel.http.routing import SegmentRouter

if TYPE_CHECKING:
    from fastapi import FastAPI

    from fostr.kernel.runtime import Runtime


@pytest.fixture
def lazy(runtime: Runtime) -> FastAPI:
    return create_app(runtime.settings, runtime=runtime, lazily=True)


def _segments(app: FastAPI) -> SegmentRouter:
    assert isinstance(app.router, SegmentRouter)
    return app.router


def _paths(app: FastAPI) -> set[tuple[str, str]]:
    return {
        (method, route.path)
        for route in app.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }


async def _status(app: FastAPI, method: str, path: str) -> int:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return (await client.request(method, path)).status_code


async def test_a_request_makes_the_routes_of_its_segment_and_no_others(lazy: FastAPI) -> None:
    assert _paths(lazy) == set()
    assert await _status(lazy, "GET", "/api/v1/records") == 401
    made = _paths(lazy)
    assert ("GET", "/api/v1/records/{record_id}") in made
    assert not any(path.startswith("/api/v1/recordsets") for _, path in made)
    assert await _status(lazy, "GET", "/api/v1/nothing-like-it") == 404
    assert await _status(lazy, "PUT", "/api/v1/recordsets") == 405


async def test_all_routes_are_made_in_the_end_and_none_twice(lazy: FastAPI, runtime: Runtime) -> None:
    making = asyncio.create_task(_segments(lazy).build_slowly())
    await asyncio.sleep(0)
    # It overtakes the task in the middle of a segment.
    assert await _status(lazy, "GET", "/api/v1/recordsets") == 401
    await making
    eager = create_app(runtime.settings, runtime=runtime)
    assert _paths(lazy) == _paths(eager)
    assert len(lazy.router.routes) == len(eager.router.routes)


async def test_literal_paths_are_found_before_parameters(lazy: FastAPI) -> None:
    await _segments(lazy).build_slowly()
    paths = [route.path for route in lazy.router.routes if isinstance(route, APIRoute)]
    assert len(paths) > 100
    assert await _status(lazy, "GET", "/api/v1/recordsets/trash") == 401
