"""What the tests of security share: browsers, and everything that the server answers."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI

from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.contract.walk import Operation, list_operations
from tests.contract.world import World, create_world
from tests.identity.conftest import Visit, browser, visit
from tests.security.walking import Walk
from tests.support.cast import Cast
from tests.support.client import Client

__all__ = ["Visit", "browser", "visit"]


@pytest.fixture(scope="session")
def operations(app: FastAPI, openapi: dict[str, Any]) -> list[Operation]:
    """Return every operation."""
    return list_operations(app, openapi)


@pytest.fixture
async def world(client: Client, cast: Cast, runtime: Runtime) -> World:
    """One of everything in acme."""
    world = await create_world(client, cast, runtime)
    shown = await client.as_(cast.owner).get(f"/api/v1/workspaces/{cast.acme}")
    world.ids.setdefault("slug", shown.json()["slug"])
    world.ids.setdefault("impersonation_id", str(new_id()))
    return world


@pytest.fixture
def walk(operations: list[Operation], world: World, openapi: dict[str, Any], database_urls: tuple[str, str]) -> Walk:
    """Every operation, to be sent with what acme keeps."""
    return Walk(operations, world, openapi, database_urls[0])
