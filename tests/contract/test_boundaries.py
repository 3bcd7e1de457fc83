"""Nobody reaches into another workspace, by any operation, with any id; and viewers change nothing."""

from __future__ import annotations

from typing import Any, Final

import asyncpg
import pytest
from fastapi import FastAPI

from fostr.kernel.db.tables import workspace_tables
from fostr.kernel.runtime import Runtime
from tests.contract.walk import ENDLESS, Operation, example_body, list_operations
from tests.contract.world import SECRET, World, create_world
from tests.support.cast import Cast
from tests.support.client import Client

VIEWERS_MAY: Final = {
    "POST /api/v1/workspaces",
    "POST /api/v1/workspaces/switch",
    "POST /api/v1/export",
    "POST /api/v1/auth/logout",
    "POST /api/v1/auth/me/password",
    "PATCH /api/v1/auth/me",
    "POST /api/v1/personal-access-tokens",
    "POST /api/v1/import/jobs/cancel-all",
    "POST /api/v1/records/bulk-delete",
    "POST /api/v1/records/duplicates",
    "POST /api/v1/records/spatial-filter",
    "POST /api/v1/notifications/mark-read",
    "POST /api/v1/notifications/email-delivery/resume",
}
"""What is about the viewer's own things, only reads, or answers for each record by itself that it may not be."""

VIEWERS_OWN: Final = {
    "POST /api/v1/members/me/tours",
    "DELETE /api/v1/members/me/tours",
    "PUT /api/v1/notifications/email-delivery",
    "PUT /api/v1/notifications/quiet-hours",
    "POST /api/v1/notifications/me",
    "POST /api/v1/notifications/me/reset",
    "PUT /api/v1/notifications/me/bulk",
    "PUT /api/v1/notifications/preferences/v2/{event_type}",
    "POST /api/v1/recordsets/{recordset}/views",
    "POST /api/v1/recordsets/{recordset}/views/{view_id}/duplicate",
    "POST /api/v1/activity/export",
}
"""What writes rows of the viewer's own into the workspace, and nothing else; its own tests say so."""

CATALOGUED: Final = {"permission", "event_type"}
"""Path parameters that name something of the program, the same in every workspace."""


PERSON_REQUIRED: Final = '"person_required"'
"""How a token is refused that asks for what takes a person, before anything is looked for."""


@pytest.fixture
async def world(client: Client, cast: Cast, runtime: Runtime) -> World:
    return await create_world(client, cast, runtime)


@pytest.fixture(scope="session")
def operations(app: FastAPI, openapi: dict[str, Any]) -> list[Operation]:
    return list_operations(app, openapi)


async def snapshot(admin_url: str, workspace: object) -> dict[str, str]:
    """Return a digest of everything that a workspace keeps, table by table."""
    connection = await asyncpg.connect(admin_url)
    try:
        return {
            name: await connection.fetchval(
                f"select count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0) from data.{name} t"
                " where t.workspace_id = $1",
                workspace,
            )
            for name in workspace_tables()
        }
    finally:
        await connection.close()


async def send(client: Client, operation: Operation, world: World, openapi: dict[str, Any]) -> Any:
    """Send the request that would succeed for the right person."""
    options: dict[str, Any] = {"params": world.query(operation)}
    content = operation.document.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        options["files"] = {"file": ("a.csv", "name\nx\n", "text/csv")}
    elif (example := example_body(operation, openapi)) is not None:
        options["json"] = world.body(example)
    return await client.request(operation.method, world.path(operation), **options)


def names_an_object(operation: Operation) -> bool:
    """Say whether a request names something of acme's."""
    return bool({*operation.path_names, *operation.required_query} - CATALOGUED)


async def test_a_stranger_reaches_nothing(
    client: Client,
    cast: Cast,
    world: World,
    operations: list[Operation],
    openapi: dict[str, Any],
    database_urls: tuple[str, str],
) -> None:
    before = await snapshot(database_urls[0], cast.acme)
    faults: list[str] = []
    for workspace in (cast.globex, cast.acme):
        stranger = client.as_(cast.stranger, workspace=workspace)
        for operation in operations:
            if operation.guard == "account" and not operation.path_names:
                continue
            if operation.guard not in {"workspace", "account"}:
                continue
            if operation.name in ENDLESS and workspace == cast.globex:
                continue
            response = await send(stranger, operation, world, openapi)
            if SECRET in response.text:
                faults.append(f"{operation.name} tells a stranger of acme: {response.text[:200]}")
            expected = 404 if names_an_object(operation) or workspace == cast.acme else None
            if operation.guard == "account" and PERSON_REQUIRED in response.text:
                continue
            if expected is not None and response.status_code != expected:
                faults.append(f"{operation.name} answers {response.status_code} {response.text[:200]}")
    assert not faults, "\n".join(faults)
    assert await snapshot(database_urls[0], cast.acme) == before


async def test_a_viewer_changes_nothing(
    client: Client,
    cast: Cast,
    world: World,
    operations: list[Operation],
    openapi: dict[str, Any],
    database_urls: tuple[str, str],
) -> None:
    before = await snapshot(database_urls[0], cast.acme)
    faults: list[str] = []
    for operation in operations:
        if not operation.writes or operation.guard != "workspace" or operation.name in VIEWERS_OWN:
            continue
        response = await send(client.as_(cast.viewer), operation, world, openapi)
        if response.status_code not in {403, 404} and operation.name not in VIEWERS_MAY:
            faults.append(f"{operation.name} answers a viewer {response.status_code} {response.text[:200]}")
    assert not faults, "\n".join(faults)
    assert await snapshot(database_urls[0], cast.acme) == before
