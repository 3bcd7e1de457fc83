"""What a credential of little scope, or of somebody else's making, may not do, by every operation there is.

Nothing is said here about who may do what: everything is sent that there is, and then looked at what has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import asyncpg
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from fostr.kernel.http.operators import require_operator
from fostr.kernel.http.routing import walk_calls
from fostr.kernel.http.scopes import require_recent
from fostr.kernel.runtime import Runtime
from tests.security.walking import Walk
from tests.support.cast import Cast, Person, create_token
from tests.support.client import Client, refusal
from tests.workspaces.sessions import signed_in

TAGS: Final = frozenset(
    {
        "API Keys",
        "Authentication",
        "Developers",
        "Members",
        "Module Settings",
        "Permissions",
        "Personal access tokens",
        "Sessions",
        "Teams",
        "Workspace Health",
        "Workspaces",
    }
)
"""People, rights and workspaces."""

CREDENTIALS: Final = frozenset(
    {
        "control.authenticators",
        "control.links",
        "control.passkeys",
        "control.recovery_codes",
        "control.refresh_tokens",
        "control.roles",
        "control.sessions",
        "control.tokens",
    }
)
"""How people get in, and what their roles hold."""

READS: Final = frozenset({"POST /api/v1/activity/export"})
"""What only reads, though it takes a job, and tells that it was asked for."""
LOGOUT: Final = "POST /api/v1/auth/logout"
OWN_WORKSPACE: Final = frozenset({"POST /api/v1/workspaces", "POST /api/v1/workspaces/switch"})
"""Anybody may found a workspace, and look at another one of theirs."""


@pytest.mark.parametrize("kind", ["pat", "api_key"])
async def test_a_reading_credential_of_the_owner_changes_nothing_at_all(
    client: Client,
    cast: Cast,
    runtime: Runtime,
    walk: Walk,
    kind: str,
) -> None:
    workspace = cast.acme if kind == "api_key" else None
    token = await create_token(runtime, cast.owner.user_id, scope="read", workspace_id=workspace)
    before = await walk.everything()
    await walk.send_all(client.with_token(token, workspace=cast.acme), walk.unsafe(without=READS))
    assert await walk.changed(before) == set()


@pytest.mark.parametrize("kind", ["pat", "api_key"])
async def test_a_writing_credential_of_the_owner_touches_no_right_and_no_way_in(
    client: Client,
    cast: Cast,
    runtime: Runtime,
    walk: Walk,
    kind: str,
) -> None:
    workspace = cast.acme if kind == "api_key" else None
    token = await create_token(runtime, cast.owner.user_id, scope="write", workspace_id=workspace)
    account = {"control.users"} if kind == "api_key" else set[str]()
    before = await walk.everything(CREDENTIALS | {"control.memberships"} | account)
    sent = walk.unsafe(without=OWN_WORKSPACE)
    statuses = await walk.send_all(client.with_token(token, workspace=cast.acme), sent)
    assert statuses & {200, 201, 204}
    assert await walk.changed(before) == set()


async def test_whoever_acts_in_the_owner_s_name_touches_neither_their_account_nor_any_right(
    client: Client,
    cast: Cast,
    runtime: Runtime,
    walk: Walk,
) -> None:
    acting = await signed_in(client, runtime, cast.owner, acting=cast.stranger)
    before = await walk.everything(CREDENTIALS - {"control.sessions"} | {"control.memberships", "control.users"})
    await walk.send_all(acting, walk.unsafe(without={LOGOUT}))
    assert await walk.changed(before) == set()
    assert (await acting.get("/api/v1/auth/me")).json()["acting_as"] == str(cast.stranger.user_id)


ROWS_OF: Final = """
    select (select md5(string_agg((to_jsonb(t) - 'last_used_at')::text, '|' order by t.id)) from control.tokens t
            where t.user_id = $1 and t.kind = 'pat') as tokens,
           (select md5(string_agg(m::text, '|' order by m.workspace_id)) from control.memberships m
            where m.user_id = $1) as memberships,
           (select md5(string_agg(u::text, '|')) from control.users u where u.id = $1) as users,
           (select md5(string_agg((to_jsonb(s) - 'last_used_at')::text, '|' order by s.id)) from control.sessions s
            where s.user_id = $1) as sessions,
           (select md5(string_agg(p::text, '|' order by p.id)) from control.passkeys p
            where p.user_id = $1) as passkeys,
           (select md5(string_agg(l::text, '|' order by l.id)) from control.links l where l.user_id = $1) as links,
           (select md5(string_agg(n::text, '|' order by n.workspace_id)) from data.members n
            where n.user_id = $1) as members
"""


async def rows_of(admin_url: str, person: Person) -> dict[str, Any]:
    """Return digests of what is kept about a person. Keys belong to their workspace, whoever made them."""
    connection = await asyncpg.connect(admin_url)
    try:
        row = await connection.fetchrow(ROWS_OF, person.user_id)
    finally:
        await connection.close()
    assert row is not None
    return dict(row)


@dataclass(frozen=True, slots=True)
class Above:
    """Somebody who acts, and somebody who stands above them."""

    actor: str
    target: str


@pytest.mark.parametrize(
    "pair", [Above("admin", "owner"), Above("member", "admin"), Above("viewer", "member"), Above("member", "owner")]
)
@pytest.mark.parametrize("by", ["session", "token"])
async def test_nobody_does_anything_to_who_stands_above_them(
    client: Client,
    cast: Cast,
    runtime: Runtime,
    walk: Walk,
    pair: Above,
    by: str,
) -> None:
    """Just signed in, or by a token of the widest scope; with their ids in every path and every body."""
    people = {person.name: person for person in cast.people()}
    actor, target = people[pair.actor], people[pair.target]
    sender = await signed_in(client, runtime, actor) if by == "session" else client.as_(actor)
    aimed = walk.aimed(member_id=target.member_id, user_id=target.user_id)
    before = await rows_of(walk.admin_url, target)
    await aimed.send_all(sender, [o for o in walk.unsafe(without={LOGOUT}) if TAGS & set(o.document["tags"])])
    assert await rows_of(walk.admin_url, target) == before
    own = await client.as_(cast.owner).get(f"/api/v1/members/{actor.member_id}")
    assert own.json()["role"] == pair.actor


async def test_what_takes_a_recent_sign_in_is_not_done_by_an_old_session(
    client: Client,
    cast: Cast,
    runtime: Runtime,
    app: FastAPI,
    walk: Walk,
) -> None:
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=cast.owner.user_id)
    old = await signed_in(client, runtime, cast.owner, ago=timedelta(minutes=16))
    asks = [operation for operation in walk.operations if operation.name in asking_for_a_recent_sign_in(app)]
    assert len(asks) >= 12
    for operation in asks:
        refused = await walk.send(old, operation)
        assert refusal(refused) == (403, "recent_sign_in_required"), operation.name


def asking_for_a_recent_sign_in(app: FastAPI) -> set[str]:
    """Return the operations of the API whose guards do; what asks for it later on has tests of its own."""
    names: set[str] = set()
    for route in (route for route in app.router.routes if isinstance(route, APIRoute)):
        calls = list(walk_calls(route.dependant))
        is_recent = require_recent in calls or any("recently.<locals>" in call.__qualname__ for call in calls)
        if is_recent and route.path_format.startswith("/api/"):
            names |= {f"{method} {route.path_format}" for method in route.methods or ()}
    return names


async def test_what_is_for_the_operator_is_not_there_for_anybody_else(
    client: Client,
    cast: Cast,
    runtime: Runtime,
    app: FastAPI,
    walk: Walk,
) -> None:
    """Not for the owner of a workspace, not for a superuser's token or key, and not for who acts in their name."""
    routes = [route for route in app.router.routes if isinstance(route, APIRoute)]
    of_operators = {route.path_format for route in routes if require_operator in walk_calls(route.dependant)}
    found = [operation for operation in walk.operations if operation.path in of_operators]
    assert len(found) >= 6
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=cast.admin.user_id)
    senders = [
        await signed_in(client, runtime, cast.owner),
        client.as_(cast.admin),
        client.with_token(await create_token(runtime, cast.admin.user_id, workspace_id=cast.acme)),
        await signed_in(client, runtime, cast.admin, acting=cast.stranger),
    ]
    for operation in found:
        for sender in senders:
            assert (await walk.send(sender, operation)).status_code == 404, operation.name
