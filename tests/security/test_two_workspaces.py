"""Somebody who is in two workspaces, and mixes them: the header of one, and the ids of the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from fostr.domains.workspaces.public import add_member
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.contract.test_boundaries import CATALOGUED
from tests.contract.walk import Operation, example_body
from tests.contract.world import SECRET, create_world
from tests.security.walking import Walk
from tests.support.cast import Cast
from tests.support.client import Client

NAMES_ITS_WORKSPACE: Final = frozenset({"workspace_id", "slug"})
"""Path parameters by which an operation is in the workspace of its path, and not in that of the header."""


@pytest.fixture
async def both(cast: Cast, runtime: Runtime) -> Cast:
    """Put the owner of globex into acme as well, as a viewer."""
    async with runtime.database.unit(cast.acme) as unit:
        await add_member(unit, workspace_id=cast.acme, user_id=cast.stranger.user_id, role="viewer")
    return cast


def body_ids(operation: Operation, walk: Walk) -> bool:
    """Say whether a request's body names something of the world's."""
    content = operation.document.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return False
    example = example_body(operation, walk.openapi)
    return isinstance(example, dict) and walk.world.body(example) != example


def of_another(walk: Walk) -> list[Operation]:
    """Return the operations in a workspace of the header whose requests name something of the world's."""
    found = [
        operation
        for operation in walk.operations
        if operation.guard == "workspace"
        and not NAMES_ITS_WORKSPACE & set(operation.path_names)
        and ({*operation.path_names, *operation.required_query} - CATALOGUED or body_ids(operation, walk))
    ]
    assert len(found) > 60
    return found


async def test_ids_of_the_other_workspace_are_nothing_in_this_one(
    client: Client,
    both: Cast,
    walk: Walk,
) -> None:
    """They own the one whose header they send, so that no right is in the way."""
    owner = client.as_(both.stranger, workspace=both.globex)
    before = [await walk.snapshot(workspace) for workspace in (both.acme, both.globex)]
    faults: list[str] = []
    for operation in of_another(walk):
        response = await walk.send(owner, operation)
        if SECRET in response.text:
            faults.append(f"{operation.name} tells of the other workspace: {response.text[:200]}")
        if operation.path_names and set(operation.path_names) - CATALOGUED and response.status_code != 404:
            faults.append(f"{operation.name} answers {response.status_code} {response.text[:200]}")
    assert not faults, "\n".join(faults)
    assert [await walk.snapshot(workspace) for workspace in (both.acme, both.globex)] == before


async def test_the_path_decides_and_the_header_of_another_workspace_gives_no_rights(
    client: Client,
    both: Cast,
    walk: Walk,
) -> None:
    """A viewer by the path stays one, whatever they own by the header; and the other way about."""
    named = [o for o in walk.operations if NAMES_ITS_WORKSPACE & set(o.path_names) and o.guard == "workspace"]
    assert len(named) > 12
    acme = await walk.snapshot(both.acme)
    answers: dict[str, list[tuple[int, str]]] = {operation.name: [] for operation in named}
    for workspace in (both.globex, both.acme, new_id()):
        sender = client.as_(both.stranger, workspace=workspace)
        for operation in named:
            response = await walk.send(sender, operation)
            is_json = response.headers.get("content-type") == "application/json"
            code = response.json().get("code", "") if is_json else ""
            answers[operation.name].append((response.status_code, code))
    for operation in named:
        assert len(set(answers[operation.name])) == 1, (operation.name, answers[operation.name])
        if operation.writes:
            assert answers[operation.name][0][0] in {403, 404}, operation.name
    assert await walk.snapshot(both.acme) == acme


async def test_a_viewer_takes_nothing_of_their_own_workspace_along(
    client: Client,
    both: Cast,
    runtime: Runtime,
    operations: list[Operation],
    openapi: dict[str, Any],
    database_urls: tuple[str, str],
) -> None:
    """The ids of what they own, sent to the workspace in which they may only look."""
    other = await _swapped(runtime, both)
    world = await create_world(client, other, runtime)
    walk = Walk(operations, world, openapi, database_urls[0])
    before = [await walk.snapshot(workspace) for workspace in (both.acme, both.globex)]
    viewer = client.as_(both.stranger, workspace=both.acme)
    for operation in of_another(walk):
        response = await walk.send(viewer, operation)
        assert SECRET not in response.text, operation.name
        if set(operation.path_names) - CATALOGUED:
            assert response.status_code in {403, 404}, (operation.name, response.text)
    assert [await walk.snapshot(workspace) for workspace in (both.acme, both.globex)] == before


async def _swapped(runtime: Runtime, cast: Cast) -> Cast:
    """Return the cast with globex in the place of acme: the stranger owns it, and two of acme are in it as well."""
    members: dict[str, Any] = {}
    for name in ("member", "viewer"):
        person = getattr(cast, name)
        async with runtime.database.unit(cast.globex) as unit:
            added = await add_member(unit, workspace_id=cast.globex, user_id=person.user_id, role=name)
        members[name] = replace(person, workspace_id=cast.globex, member_id=added.id)
    return replace(cast, acme=cast.globex, globex=cast.acme, owner=cast.stranger, stranger=cast.owner, **members)
