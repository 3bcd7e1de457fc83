"""No role and no scope does more than the catalogue says, by any operation that names a permission."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from fostr.kernel.access.access import required_scope
from fostr.kernel.access.catalogue import ROLES, get_permission, role_permissions
from fostr.kernel.auth.principals import Scope
from fostr.kernel.http.routing import guard_permissions
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_token
from tests.support.client import Client, Response, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN_TAGS: Final = frozenset({"Permissions", "Teams"})
"""Their operations are sent by those who may, too, with ids of nothing; the others only by those who may not."""

EXPECTED_FEWEST: Final = 15
DENIALS: Final = frozenset({(403, "forbidden"), (403, "pat_scope_insufficient")})


@dataclass(frozen=True, slots=True)
class Guarded:
    """An operation, and what its guards ask for."""

    method: str
    path: str
    permissions: frozenset[str]
    is_own: bool

    def expected(self, held: frozenset[str], scope: Scope) -> tuple[int, str] | None:
        """Return how a caller must be refused, or None when they may."""
        if any(required_scope(get_permission(name)) > scope for name in self.permissions):
            return 403, "pat_scope_insufficient"
        return None if self.permissions <= held else (403, "forbidden")


def guarded(app: FastAPI) -> Iterator[Guarded]:
    for route in app.router.routes:
        if not isinstance(route, APIRoute) or not (permissions := guard_permissions(route)):
            continue
        for method in sorted(route.methods or ()):
            is_own = bool(OWN_TAGS & set(cast("list[str]", route.tags)))
            yield Guarded(method, route.path_format, frozenset(permissions), is_own)


async def send(client: Client, operation: Guarded, workspace: object) -> Response:
    """Send a request whose ids are those of nothing; rights are decided before anything is looked for."""
    path = operation.path.replace("{workspace_id}", str(workspace))
    while "{" in path:
        before, _, rest = path.partition("{")
        path = f"{before}{new_id()}{rest.partition('}')[2]}"
    return await client.request(operation.method, path)


def judge(operation: Guarded, response: Response, expected: tuple[int, str] | None) -> str | None:
    """Return what is wrong with an answer."""
    answered = refusal(response) if response.is_client_error else (response.status_code, "")
    right = answered == expected if expected is not None else answered not in DENIALS and response.status_code < 500
    return None if right else f"{operation.method} {operation.path}: {answered}, not {expected or 'allowed'}"


@pytest.mark.parametrize("scope", ["read", "write", "admin"])
@pytest.mark.parametrize("role", ROLES)
async def test_every_operation_asks_for_its_permission(
    client: Client,
    cast: Cast,
    app: FastAPI,
    runtime: Runtime,
    role: Literal["owner", "admin", "member", "viewer"],
    scope: str,
) -> None:
    person = next(person for person in cast.people() if person.name == role)
    token = await create_token(runtime, person.user_id, scope=scope)
    sender, held = client.with_token(token, workspace=cast.acme), role_permissions(role)
    operations = list(guarded(app))
    assert len([operation for operation in operations if operation.is_own]) >= EXPECTED_FEWEST
    faults: list[str | None] = []
    for operation in operations:
        expected = operation.expected(held, Scope.parse(scope))
        if expected is not None or operation.is_own:
            faults.append(judge(operation, await send(sender, operation, cast.acme), expected))
    assert not [fault for fault in faults if fault]


async def test_a_role_that_allows_nothing_does_nothing(client: Client, cast: Cast, app: FastAPI) -> None:
    owner = client.as_(cast.owner)
    made = await owner.post("/api/v1/permissions/roles", json={"name": "Nobody", "base": "admin", "permissions": []})
    assert made.json()["permissions"] == []
    given = await owner.patch(f"/api/v1/auth/{cast.admin.user_id}", json={"role": made.json()["key"]})
    assert given.status_code == 200
    for operation in guarded(app):
        response = await send(client.as_(cast.admin), operation, cast.acme)
        assert refusal(response) == (403, "forbidden"), operation


async def test_a_permission_opens_its_operations_and_no_others(client: Client, cast: Cast, app: FastAPI) -> None:
    owner, viewer = client.as_(cast.owner), client.as_(cast.viewer)
    for name in ("can_create_team", "can_edit_team", "can_delete_team", "can_view_roles"):
        granted = {"permissions": {name: True}}
        assert (await owner.patch("/api/v1/permissions/roles/viewer", json=granted)).status_code == 200
        held = role_permissions("viewer", (name,))
        for operation in guarded(app):
            expected = operation.expected(held, Scope.ADMIN)
            if operation.is_own or name in operation.permissions:
                assert judge(operation, await send(viewer, operation, cast.acme), expected) is None
        assert (await owner.post("/api/v1/permissions/roles/viewer/reset")).status_code == 200
